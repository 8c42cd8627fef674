package wire

import (
	"time"

	"bestow/money"
)

// Policy is an accrual policy: what a save that names it may be, and how long its points are valid.
type Policy struct {
	Code string `json:"code" doc:"1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first; for ever of this policy"`

	PolicyTerms

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// PolicyTerms holds what may be changed of a policy. A change counts for later saves only.
type PolicyTerms struct {
	Name        string  `json:"name" doc:"for people: 1 to 100 characters"`
	Status      string  `json:"status,omitzero" enum:"ACTIVE,INACTIVE" doc:"INACTIVE: saves that name it are refused; default ACTIVE"`
	Validity    string  `json:"validity_kind,omitzero" enum:"none,days,until,month_end" doc:"how long points are valid whose save names no expiry_at; default none: they do not expire"`
	Days        *int    `json:"validity_days,omitzero" doc:"of days: so many from the moment of the save, 1 to 36500"`
	Until       *string `json:"valid_until,omitzero" format:"date" doc:"of until: the last day, as in 2026-12-31, in the ledger's time zone"`
	Months      *int    `json:"valid_months,omitzero" doc:"of month_end: through the last day of the n-th month after that of the save, 0 to 1200"`
	Min         *int64  `json:"min_point,omitzero" doc:"the smallest amount of one save"`
	Max         *int64  `json:"max_point,omitzero" doc:"the largest amount of one save"`
	MaxHold     *int64  `json:"max_hold,omitzero" doc:"what a member may hold after a save that names the policy; other saves do not look at it"`
	RegrantDays *int    `json:"regrant_days,omitzero" doc:"for how many days points are valid that a cancel gives back after their expiry, 1 to 36500; absent: BESTOW_REGRANT_DAYS"`
	TypeCode    *string `json:"type_code,omitzero" doc:"of a save that names none: 1 to 10 characters"`
}

// Policies is a page of policies, in the order of their codes.
type Policies struct {
	Items      []Policy `json:"items" nullable:"false"`
	NextCursor string   `json:"next_cursor,omitzero" doc:"absent: this is the last page"`
}

// NewPolicy returns p as it is sent.
func NewPolicy(p *money.Policy) Policy {
	wire := Policy{Code: p.Code, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(), PolicyTerms: PolicyTerms{
		Name: p.Name, Status: string(p.Status), Validity: string(p.Validity), Days: p.Days, Months: p.Months,
		Min: p.Min, Max: p.Max, MaxHold: p.MaxHold, RegrantDays: p.RegrantDays,
	}}
	if p.Until != nil {
		wire.Until = new(p.Until.Format(time.DateOnly))
	}
	if p.TypeCode != "" {
		wire.TypeCode = &p.TypeCode
	}
	return wire
}
