package money

import (
	"fmt"
	"reflect"
	"time"

	"bestow/internal/english"
)

// Policy is an accrual policy, which an operator defines: what a save that names it may be, and how long its points are
// valid. It is never deleted, since saves are of it.
type Policy struct {
	Code string // 1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first
	PolicyTerms

	Revision  int64 // it rises with each change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// PolicyTerms holds what an operator may change of a policy. A change counts for later saves only. A nil bound does not
// bound.
type PolicyTerms struct {
	Name   string // for people: 1 to 100 characters
	Status PolicyStatus

	Validity Validity
	Days     *int       // of ValidDays: 1 to 36,500
	Until    *time.Time // of ValidUntil: the last day, of which the time is of no account
	Months   *int       // of ValidMonthEnd: 0 to 1,200

	Min, Max    *int64 // of the amount of one save
	MaxHold     *int64 // of what a member may hold after a save
	RegrantDays *int   // how long points are valid that a cancel gives back after their expiry: 1 to 36,500; nil: the ledger's own (BESTOW_REGRANT_DAYS)
	TypeCode    string // of a save that names none: at most 10 characters; "": each save names its own
}

// PolicyStatus says whether points are saved by a policy. It is wire format: never renamed.
type PolicyStatus string

// The statuses of a policy.
const (
	PolicyActive  PolicyStatus = "ACTIVE"
	PolicyRetired PolicyStatus = "INACTIVE" // saves that name it are refused
)

// Validity says how long points are valid. It is wire format: never renamed.
type Validity string

// The kinds of validity.
const (
	ValidForever  Validity = "none"      // they do not expire
	ValidDays     Validity = "days"      // so many days from the moment of the save
	ValidUntil    Validity = "until"     // through a day
	ValidMonthEnd Validity = "month_end" // through the last day of the n-th month after that of the save
)

// PolicyQuery asks for one page of the policies.
type PolicyQuery struct {
	Status PolicyStatus // "" for all
	After  string       // the last code of the page before; "" for the first page
	Limit  int          // 1 to MaxPage; 0 for 100
}

// ExpiryAt returns the instant at which points that are saved at now expire, nil for never. The days are those of loc:
// an hour that is left out or comes twice there changes no last day.
func (p *Policy) ExpiryAt(now time.Time, loc *time.Location) *time.Time {
	day := now.In(loc)
	var at time.Time
	switch p.Validity {
	case ValidForever:
		return nil
	case ValidDays:
		at = day.AddDate(0, 0, *p.Days)
	case ValidUntil:
		at = startOfDay(p.Until.Year(), p.Until.Month(), p.Until.Day()+1, loc)
	case ValidMonthEnd:
		at = startOfDay(day.Year(), day.Month()+time.Month(*p.Months)+1, 1, loc)
	}
	return &at
}

// startOfDay returns the first instant of a day in loc. Where clocks skip midnight, it is not at 0 o'clock.
func startOfDay(year int, month time.Month, day int, loc *time.Location) time.Time {
	at := time.Date(year, month, day, 0, 0, 0, 0, loc)
	if at.Hour() > 12 { // before the hour that is left out, on the day before
		_, at = at.ZoneBounds()
	}
	return at
}

// Refuse returns why p does not allow i.
func (p *Policy) Refuse(i *Item) *Refusal {
	switch {
	case p.Status != PolicyActive:
		return &Refusal{Code: PolicyInactive, Message: "the policy is retired: no points are saved by it any more"}
	case p.Min != nil && i.Amount < *p.Min:
		return &Refusal{
			Code:    UnderMinimum,
			Message: fmt.Sprintf("the policy saves %s or more at once", english.Count(*p.Min, "point")),
		}
	case p.Max != nil && i.Amount > *p.Max:
		return &Refusal{
			Code:    OverMaximum,
			Message: fmt.Sprintf("the policy saves %s at most at once", english.Count(*p.Max, "point")),
		}
	}
	return nil
}

// Equal reports whether both say the same.
func (t *PolicyTerms) Equal(other *PolicyTerms) bool { return reflect.DeepEqual(t, other) }
