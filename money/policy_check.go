package money

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// PolicyError is the error of a policy that cannot be, with all that is wrong with it. Nothing was written.
type PolicyError struct{ Fields []PolicyField }

// PolicyField is a field of a policy, by its name in JSON, and what it must be.
type PolicyField struct{ Name, Message string }

// Error lists the fields.
func (e *PolicyError) Error() string {
	said := make([]string, len(e.Fields))
	for n, f := range e.Fields {
		said[n] = f.Name + " " + f.Message
	}
	return "the policy cannot be: " + strings.Join(said, "; ")
}

// The bounds of a policy's terms, and the widths of its columns in characters.
const (
	maxPolicy      = 50
	maxPolicyName  = 100
	maxValidDays   = 36500
	maxMonths      = 1200
	MaxRegrantDays = 36500 // as point_master's constraint says
)

// policyCode holds what a new code may be: it stands in paths and on command lines.
var policyCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$`)

// lastUntil is the last day that a policy may name: the day after is how the ledger writes "never".
var lastUntil = time.Date(9999, time.December, 30, 0, 0, 0, 0, time.UTC)

// wrongs collects what is wrong with a policy.
type wrongs []PolicyField

func (w *wrongs) unless(ok bool, field, format string, args ...any) {
	if !ok {
		*w = append(*w, PolicyField{field, fmt.Sprintf(format, args...)})
	}
}

func (w *wrongs) err() error {
	if len(*w) == 0 {
		return nil
	}
	return &PolicyError{*w}
}

// CheckNewPolicy returns why there can be no policy with the code and the terms, as a *PolicyError.
func CheckNewPolicy(code string, t *PolicyTerms, today time.Time) error {
	var w wrongs
	w.unless(policyCode.MatchString(code), "code",
		"must be 1 to %d of A-Z, a-z, 0-9 and . _ -, a letter or digit first", maxPolicy)
	w.terms(t, &PolicyTerms{}, today)
	return w.err()
}

// CheckTerms returns why a policy cannot have the terms, where it had others, as a *PolicyError.
func CheckTerms(t, was *PolicyTerms, today time.Time) error {
	var w wrongs
	w.terms(t, was, today)
	return w.err()
}

func (w *wrongs) terms(t, was *PolicyTerms, today time.Time) {
	w.unless(name(t.Name, maxPolicyName), "name",
		"must be text without control characters, not blank and not over %d characters", maxPolicyName)
	w.unless(t.Status == PolicyActive || t.Status == PolicyRetired, "status", "must be %s or %s", PolicyActive,
		PolicyRetired)
	w.validity(t, was, today)
	w.bounds(t)
	w.unless(t.RegrantDays == nil || within(*t.RegrantDays, 1, MaxRegrantDays), "regrant_days",
		"must be 1 to %d, or null for BESTOW_REGRANT_DAYS", MaxRegrantDays)
	w.unless(t.TypeCode == "" || name(t.TypeCode, maxTypeCode), "type_code",
		"must be text without control characters of 1 to %d characters, or null", maxTypeCode)
}

func (w *wrongs) validity(t, was *PolicyTerms, today time.Time) {
	kinds := []Validity{ValidForever, ValidDays, ValidUntil, ValidMonthEnd}
	if !slices.Contains(kinds, t.Validity) {
		w.unless(false, "validity_kind", "must be none, days, until or month_end")
		return
	}
	for _, part := range []struct {
		of    Validity
		field string
		given bool
	}{
		{ValidDays, "validity_days", t.Days != nil}, {ValidUntil, "valid_until", t.Until != nil}, {ValidMonthEnd, "valid_months", t.Months != nil},
	} {
		w.unless(!part.given || t.Validity == part.of, part.field, "is of the validity_kind %s only, and this is %s",
			part.of, t.Validity)
		w.unless(part.given || t.Validity != part.of, part.field, "is missing: the validity_kind %s needs it", part.of)
	}
	w.unless(t.Days == nil || within(*t.Days, 1, maxValidDays), "validity_days", "must be 1 to %d", maxValidDays)
	w.unless(t.Months == nil || within(*t.Months, 0, maxMonths), "valid_months",
		"must be 0 to %d; 0 is the month of the save", maxMonths)
	if t.Until != nil {
		w.unless(!t.Until.After(lastUntil), "valid_until",
			"must be 9999-12-30 at the latest; the validity_kind none never ends")
		kept := was.Until != nil && was.Until.Equal(*t.Until)
		w.unless(kept || !t.Until.Before(today), "valid_until", "has passed: today is %s", today.Format(time.DateOnly))
	}
}

func (w *wrongs) bounds(t *PolicyTerms) {
	for _, bound := range []struct {
		field string
		value *int64
	}{{"min_point", t.Min}, {"max_point", t.Max}, {"max_hold", t.MaxHold}} {
		w.unless(bound.value == nil || usableAmount(*bound.value), bound.field,
			"must be a whole number from 1 to 1,000,000,000,000,000, or null for none")
	}
	above := func(a, b *int64) bool { return a != nil && b != nil && *a > *b }
	w.unless(!above(t.Min, t.Max), "max_point", "is less than min_point, so that no save fits")
	w.unless(!above(t.Min, t.MaxHold), "max_hold", "is less than min_point, so that no save fits")
}

func within(n, least, most int) bool { return n >= least && n <= most }
