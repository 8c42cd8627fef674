package app

import (
	"context"
	"time"

	"bestow/app/command"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// eventFacts holds what the audit shows of an event: its definition, its list and its status.
type eventFacts struct {
	CampaignID          string        `json:"campaign_id"`
	Name                string        `json:"name,omitempty"`
	EventType           string        `json:"event_type"`
	EventStatus         domain.Status `json:"event_status"`
	DefaultReason       string        `json:"default_reason,omitempty"`
	DefaultAmount       int64         `json:"default_amount,omitempty"`
	ExpiryAt            *time.Time    `json:"expiry_at,omitempty"`
	PartitionCount      int           `json:"partition_count"`
	ReservationAt       *time.Time    `json:"reservation_at,omitempty"`
	ReservationPriority *int          `json:"reservation_priority,omitempty"`
	TotalCount          int           `json:"total_count"`
	TotalAmount         int64         `json:"total_amount"`
}

func factsOf(e domain.Event) eventFacts {
	return eventFacts{
		CampaignID: e.CampaignID, Name: e.Name, EventType: e.Type.Code, EventStatus: e.Status,
		DefaultReason: e.DefaultReason, DefaultAmount: e.DefaultAmount, ExpiryAt: utc(e.ExpiryAt),
		PartitionCount: e.Partitions, ReservationAt: utc(e.ReservationAt), ReservationPriority: e.ReservationPriority,
		TotalCount: e.TotalCount, TotalAmount: e.TotalAmount,
	}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	u := at.UTC()
	return &u
}

// statusFacts holds what the audit shows of a move.
type statusFacts struct {
	EventStatus domain.Status `json:"event_status"`
}

// recordMove keeps a person's move of an event for the audit.
func recordMove(ctx context.Context, tx pgx.Tx, by command.Caller, m domain.Move, from domain.Event, to domain.Status,
	reason string,
) error {
	return command.Record(ctx, tx, by, command.Change{
		Action: "event." + string(m), EventID: from.ID, Reason: reason,
		Before: statusFacts{from.Status}, After: statusFacts{to},
	})
}

// brakeFacts holds what the audit shows of a brake.
type brakeFacts struct {
	Scope domain.BrakeScope `json:"scope"`
	By    string            `json:"by"`
	Memo  string            `json:"memo"`
}

// retryFacts holds what the audit shows of a retry.
type retryFacts struct {
	ErrorCode domain.Code `json:"error_code,omitempty"`
	Matched   int         `json:"matched"`
	Accepted  int         `json:"accepted"`
}
