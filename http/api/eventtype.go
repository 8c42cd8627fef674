package api

import "bestow/domain"

// EventType says what events of one type grant, and which limits no request about an event can pass; null: no limit.
type EventType struct {
	EventType    string  `json:"event_type" example:"POINT"`
	Label        string  `json:"label"`
	Operation    string  `json:"operation" enum:"points,vouchers"`
	Granter      string  `json:"granter" doc:"the name of the ledger that grants it"`
	Unit         *string `json:"unit" example:"P" doc:"of the amounts; a label, nothing is converted"`
	MaxPerMember *int64  `json:"max_per_member" doc:"the most that one target may have"`
	MaxPerEvent  *int64  `json:"max_per_event" doc:"the most that an event's amounts may add up to"`
	MaxCount     *int    `json:"max_count" doc:"the most targets that an event may have"`
	LimitsSeeded bool    `json:"limits_seeded" doc:"the limits are those that development gives; production starts nothing until a person sets them"`
}

// EventTypes lists the types that may be used, by their codes.
type EventTypes struct {
	Items []EventType `json:"items"`
}

// EventTypePatch is the body of PATCH /event-types/{code}, a JSON merge patch: what is absent stays, null clears.
type EventTypePatch struct {
	Unit         *string `json:"unit,omitempty" pattern:"^[A-Z]{1,10}$" example:"P"`
	MaxPerMember *int64  `json:"max_per_member,omitempty" minimum:"1"`
	MaxPerEvent  *int64  `json:"max_per_event,omitempty" minimum:"1"`
	MaxCount     *int32  `json:"max_count,omitempty" minimum:"1"`
	Label        *string `json:"label,omitempty" minLength:"1" maxLength:"100" doc:"for people; it cannot be cleared"`
}

// FromType renders an event type.
func FromType(t domain.EventType) EventType {
	return EventType{
		EventType:    t.Code,
		Label:        t.Label,
		Operation:    string(t.Operation),
		Granter:      t.Granter,
		Unit:         OrNull(t.Unit),
		MaxPerMember: OrNull(t.Limits.PerMember),
		MaxPerEvent:  OrNull(t.Limits.PerEvent),
		MaxCount:     OrNull(t.Limits.Count),
		LimitsSeeded: t.Limits.Seeded,
	}
}
