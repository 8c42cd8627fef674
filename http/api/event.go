package api

import (
	"time"

	"bestow/domain"
)

// NewEvent is the body of POST /events.
type NewEvent struct {
	CampaignID          string     `json:"campaign_id" minLength:"1" maxLength:"50" doc:"the source campaign's id; it belongs to one event only"`
	Name                *string    `json:"name,omitempty" maxLength:"100" doc:"what people call the event; it decides nothing"`
	EventType           string     `json:"event_type" example:"POINT" doc:"POINT, VOUCHER, or a type added since"`
	DefaultReason       *string    `json:"default_reason,omitempty" maxLength:"500" doc:"handed to the ledger for a target that has no reason"`
	DefaultAmount       *int64     `json:"default_amount,omitempty" minimum:"1" doc:"for a target that has no amount"`
	ExpiryAt            *time.Time `json:"expiry_at,omitempty" doc:"when what is granted expires; absent: never"`
	PartitionCount      *int       `json:"partition_count,omitempty" minimum:"1" maximum:"64" doc:"how many partitions are worked side by side; absent: 4"`
	ReservationAt       *time.Time `json:"reservation_at,omitempty" doc:"when to start, in whole seconds, not in the past; absent: by hand. If it passes before the event has a list, the event waits for a person"`
	ReservationPriority *int       `json:"reservation_priority,omitempty" doc:"events of the same second run one after another, lower first"`
}

// EventPatch is the body of PATCH /events/{id}, a JSON merge patch: what is absent stays, null clears.
type EventPatch struct {
	CampaignID          *string    `json:"campaign_id,omitempty" minLength:"1" maxLength:"50"`
	Name                *string    `json:"name,omitempty" maxLength:"100"`
	EventType           *string    `json:"event_type,omitempty" doc:"only while the event has no targets"`
	DefaultReason       *string    `json:"default_reason,omitempty" maxLength:"500"`
	DefaultAmount       *int64     `json:"default_amount,omitempty" minimum:"1" doc:"409 amount_in_use once imported rows took it"`
	ExpiryAt            *time.Time `json:"expiry_at,omitempty"`
	PartitionCount      *int       `json:"partition_count,omitempty" minimum:"1" maximum:"64" doc:"only while the event has no targets; null: 4"`
	ReservationAt       *time.Time `json:"reservation_at,omitempty" doc:"null: started by hand"`
	ReservationPriority *int       `json:"reservation_priority,omitempty"`
}

// Event is an event as the API shows it.
type Event struct {
	ID                  int64      `json:"id"`
	CampaignID          string     `json:"campaign_id"`
	Name                *string    `json:"name" doc:"what people call the event; null for none"`
	EventType           string     `json:"event_type"`
	Unit                *string    `json:"unit" doc:"of the amounts, as its type has it now; null for none"`
	EventStatus         string     `json:"event_status" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED"`
	FailureCode         *string    `json:"failure_code"`
	DefaultReason       *string    `json:"default_reason"`
	DefaultAmount       *int64     `json:"default_amount"`
	ExpiryAt            *time.Time `json:"expiry_at"`
	TotalCount          int        `json:"total_count"`
	TotalAmount         int64      `json:"total_amount"`
	PartitionCount      int        `json:"partition_count"`
	ReservationAt       *time.Time `json:"reservation_at"`
	ReservationPriority *int       `json:"reservation_priority"`
	CreatedBy           string     `json:"created_by"`
	CreatedAt           time.Time  `json:"created_at"`
	UpdatedAt           time.Time  `json:"updated_at"`
	Summary             Summary    `json:"summary"`
	WaitingFor          []Reason   `json:"waiting_for,omitempty" doc:"of GET only: what it stands still for, and why a stopped one could not be resumed; absent while it moves, and at its end"`
}

// Summary counts the targets of an event by their state.
type Summary struct {
	PublishedCount    int        `json:"published_count"`
	SuccessCount      int        `json:"success_count"`
	FailCount         int        `json:"fail_count"`
	RetrySuccessCount int        `json:"retry_success_count"`
	StartedAt         *time.Time `json:"started_at"`
	CompletedAt       *time.Time `json:"completed_at"`
	StoppedAt         *time.Time `json:"stopped_at"`
	StoppedMemo       *string    `json:"stopped_memo"`
}

// Events is one page of a list, newest first.
type Events struct {
	Items      []Event `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}

// FromEvent renders an event. Times are in UTC.
func FromEvent(e domain.Event) Event {
	return Event{
		ID:                  e.ID,
		CampaignID:          e.CampaignID,
		Name:                OrNull(e.Name),
		EventType:           e.Type.Code,
		Unit:                OrNull(e.Type.Unit),
		EventStatus:         string(e.Status),
		FailureCode:         OrNull(e.FailureCode),
		DefaultReason:       OrNull(e.DefaultReason),
		DefaultAmount:       OrNull(e.DefaultAmount),
		ExpiryAt:            UTC(e.ExpiryAt),
		TotalCount:          e.TotalCount,
		TotalAmount:         e.TotalAmount,
		PartitionCount:      e.Partitions,
		ReservationAt:       UTC(e.ReservationAt),
		ReservationPriority: e.ReservationPriority,
		CreatedBy:           e.CreatedBy,
		CreatedAt:           e.CreatedAt.UTC(),
		UpdatedAt:           e.UpdatedAt.UTC(),
		Summary:             fromSummary(e.Summary),
	}
}

func fromSummary(s domain.Summary) Summary {
	return Summary{
		PublishedCount:    s.Published,
		SuccessCount:      s.Success,
		FailCount:         s.Fail,
		RetrySuccessCount: s.RetrySuccess,
		StartedAt:         UTC(s.StartedAt),
		CompletedAt:       UTC(s.CompletedAt),
		StoppedAt:         UTC(s.StoppedAt),
		StoppedMemo:       OrNull(s.StoppedMemo),
	}
}

// OrNull returns a pointer to v, or nil for the zero value, which means none.
func OrNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// UTC returns the same moment in UTC; nil for nil.
func UTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
