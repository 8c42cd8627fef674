package api

import "bestow/domain"

// EventType says what events of one type grant, and which limits no request about an event can pass; null: no limit.
type EventType struct {
	EventType    string   `json:"event_type" example:"POINT"`
	Label        string   `json:"label"`
	Operation    string   `json:"operation" enum:"points,vouchers"`
	Granter      string   `json:"granter" doc:"the name of the ledger that grants it"`
	State        string   `json:"state" enum:"CREATING,TABLES,READY,RETIRED" doc:"CREATING: it has no tables yet; TABLES: it waits for its topics; READY: events of it can be made; RETIRED: no new ones"`
	Unit         *string  `json:"unit" example:"P" doc:"of the amounts; a label, nothing is converted"`
	MaxPerMember *int64   `json:"max_per_member" doc:"the most that one target may have"`
	MaxPerEvent  *int64   `json:"max_per_event" doc:"the most that an event's amounts may add up to"`
	MaxCount     *int     `json:"max_count" doc:"the most targets that an event may have"`
	WaitingFor   []Reason `json:"waiting_for,omitempty" doc:"of GET only, while it is being made: what keeps it; type_unmade has the error of the last try"`
	LimitsSeeded bool     `json:"limits_seeded" doc:"the limits are those that development gives; production starts nothing until a person sets them"`
}

// EventTypes lists all types, by their codes.
type EventTypes struct {
	Items []EventType `json:"items"`
}

// NewEventType is the body of POST /event-types.
type NewEventType struct {
	EventType    string  `json:"event_type" pattern:"^[A-Z][A-Z0-9_]{0,19}$" example:"COUPON"`
	Operation    string  `json:"operation" enum:"points,vouchers"`
	Granter      string  `json:"granter" pattern:"^[a-z][a-z0-9_-]{0,29}$" example:"coupon" doc:"a name of BESTOW_GRANTERS, or money for the ledger of this product"`
	Label        string  `json:"label" minLength:"1" maxLength:"100" doc:"for people"`
	Unit         *string `json:"unit,omitempty" pattern:"^[A-Z]{1,10}$" example:"EA"`
	MaxPerMember *int64  `json:"max_per_member,omitempty" minimum:"1"`
	MaxPerEvent  *int64  `json:"max_per_event,omitempty" minimum:"1"`
	MaxCount     *int32  `json:"max_count,omitempty" minimum:"1"`
}

// EventTypePatch is the body of PATCH /event-types/{code}, a JSON merge patch: what is absent stays, null clears.
type EventTypePatch struct {
	Unit         *string `json:"unit,omitempty" pattern:"^[A-Z]{1,10}$" example:"P"`
	MaxPerMember *int64  `json:"max_per_member,omitempty" minimum:"1"`
	MaxPerEvent  *int64  `json:"max_per_event,omitempty" minimum:"1"`
	MaxCount     *int32  `json:"max_count,omitempty" minimum:"1"`
	State        *string `json:"state,omitempty" enum:"READY,RETIRED" doc:"RETIRED: no new events; READY takes it back"`
	Label        *string `json:"label,omitempty" minLength:"1" maxLength:"100" doc:"for people; it cannot be cleared"`
}

// FromType renders an event type.
func FromType(t domain.EventType, state domain.TypeState) EventType {
	return EventType{
		EventType:    t.Code,
		Label:        t.Label,
		Operation:    string(t.Operation),
		Granter:      t.Granter,
		State:        string(state),
		Unit:         OrNull(t.Unit),
		MaxPerMember: OrNull(t.Limits.PerMember),
		MaxPerEvent:  OrNull(t.Limits.PerEvent),
		MaxCount:     OrNull(t.Limits.Count),
		LimitsSeeded: t.Limits.Seeded,
	}
}
