package moneyhttp

import (
	"reflect"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// newPolicy is the body of POST /policies.
type newPolicy struct {
	Code string `json:"code" doc:"1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first"`

	wire.PolicyTerms
}

// termsOf returns t as the ledger knows it. Error: a problem.
func termsOf(t *wire.PolicyTerms) (money.PolicyTerms, error) {
	terms := money.PolicyTerms{
		Name: t.Name, Status: money.PolicyStatus(t.Status), Validity: money.Validity(t.Validity),
		Days:   t.Days,
		Months: t.Months, Min: t.Min, Max: t.Max, MaxHold: t.MaxHold, RegrantDays: t.RegrantDays,
	}
	if t.TypeCode != nil {
		terms.TypeCode = *t.TypeCode
	}
	var err error
	terms.Until, err = dayOf(t.Until)
	return terms, err
}

// dayOf reads a day, nil for none. Error: a problem.
func dayOf(s *string) (*time.Time, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // nil is "no day"
	}
	day, err := time.Parse(time.DateOnly, *s)
	if err != nil {
		return nil, unusable(wire.CodeInvalid, "the policy has fields that cannot be used",
			wire.FieldError{
				Location: "body.valid_until",
				Message:  "must be a day that the calendar has, as in 2026-12-31",
			})
	}
	return &day, nil
}

// policyPatch is the body of PATCH /policies/{code}: what is absent stays, null clears.
type policyPatch struct {
	Name        given[string] `json:"name,omitzero"`
	Status      given[string] `json:"status,omitzero"`
	Validity    given[string] `json:"validity_kind,omitzero"`
	Days        given[int]    `json:"validity_days,omitzero"`
	Until       given[string] `json:"valid_until,omitzero"`
	Months      given[int]    `json:"valid_months,omitzero"`
	Min         given[int64]  `json:"min_point,omitzero"`
	Max         given[int64]  `json:"max_point,omitzero"`
	MaxHold     given[int64]  `json:"max_hold,omitzero"`
	RegrantDays given[int]    `json:"regrant_days,omitzero"`
	TypeCode    given[string] `json:"type_code,omitzero"`
}

// apply changes the terms as p says. A new validity_kind clears what belongs to the former one. Error: a problem.
func (p *policyPatch) apply(t *money.PolicyTerms) error {
	if v := p.Validity.word(); v != nil && money.Validity(*v) != t.Validity {
		t.Validity, t.Days, t.Until, t.Months = money.Validity(*v), nil, nil, nil
	}
	if p.Until.said {
		day, err := dayOf(p.Until.value)
		if err != nil {
			return err
		}
		t.Until = day
	}
	if v := p.Name.word(); v != nil {
		t.Name = *v
	}
	if v := p.Status.word(); v != nil {
		t.Status = money.PolicyStatus(*v)
	}
	if v := p.TypeCode; v.said {
		t.TypeCode = ""
		if v.value != nil {
			t.TypeCode = *v.value
		}
	}
	p.Days.to(&t.Days)
	p.Months.to(&t.Months)
	p.Min.to(&t.Min)
	p.Max.to(&t.Max)
	p.MaxHold.to(&t.MaxHold)
	p.RegrantDays.to(&t.RegrantDays)
	return nil
}

// given is a field of a merge patch: absent, null, or a value.
type given[T any] struct {
	said  bool
	value *T
}

// UnmarshalJSONFrom reads null or a value.
func (g *given[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	g.said = true
	return json.UnmarshalDecode(d, &g.value)
}

// Schema documents null and T.
func (*given[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = true
	return &s
}

// word is the value of a field that cannot be cleared: null makes it empty, which is refused as such.
func (g *given[T]) word() *T {
	if g.said && g.value == nil {
		return new(T)
	}
	return g.value
}

// to changes an optional term if the field was given.
func (g *given[T]) to(term **T) {
	if g.said {
		*term = g.value
	}
}
