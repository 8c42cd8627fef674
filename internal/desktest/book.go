package desktest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
)

// Book is a ledger of points that holds what a test puts into it. A test changes it between requests.
type Book struct {
	Away    error // what each method returns instead; nil: nothing
	Counted ledger.Forecast
	Sums    ledger.Totals
	NoSums  error           // what Totals returns instead; nil: nothing
	Kept    []ledger.Policy // in the order of their codes

	Held []ledger.Lot // of each member, the newest first

	Overtaken int // so many changes to come are overtaken by another one
}

// Noon is when a Book makes its first policy; each change is a minute later.
var Noon = time.Date(2026, time.November, 30, 3, 0, 0, 0, time.UTC)

// Forecast returns what was counted.
func (b *Book) Forecast(context.Context) (ledger.Forecast, error) { return b.Counted, b.Away }

// Totals returns the sums.
func (b *Book) Totals(context.Context) (ledger.Totals, error) {
	return b.Sums, cmp.Or(b.Away, b.NoSums)
}

// Policies returns a page of the policies.
func (b *Book) Policies(_ context.Context, after string, limit int) (page []ledger.Policy, err error) {
	for _, p := range b.Kept {
		if p.Code > after && len(page) < limit {
			page = append(page, p)
		}
	}
	return page, b.Away
}

func (b *Book) at(code string) int {
	return slices.IndexFunc(b.Kept, func(p ledger.Policy) bool { return p.Code == code })
}

// Policy returns a policy, and the moment of its last change as its tag.
func (b *Book) Policy(_ context.Context, code string) (ledger.Policy, string, error) {
	switch n := b.at(code); {
	case b.Away != nil:
		return ledger.Policy{}, "", b.Away
	case n < 0:
		return ledger.Policy{}, "", domain.NotFoundError("there is no such policy", "GET /ledger/policies lists them")
	default:
		return b.Kept[n], b.Kept[n].UpdatedAt.String(), nil
	}
}

// CreatePolicy keeps a policy. Of what it says only the code and the name are looked at.
func (b *Book) CreatePolicy(_ context.Context, code string, t ledger.Terms) (ledger.Policy, bool, error) {
	switch n := b.at(code); {
	case b.Away != nil:
		return ledger.Policy{}, false, b.Away
	case code == "":
		return ledger.Policy{}, false, domain.InvalidError("the policy cannot be made like this", "", domain.Field{
			Name: "code", Message: "must be 1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first",
		})
	case n >= 0 && b.Kept[n].Name != t.Name:
		return ledger.Policy{}, false, domain.PolicyExistsError()
	case n >= 0:
		return b.Kept[n], true, nil
	}
	t.Status = ledger.Active
	p := ledger.Policy{Code: code, Terms: t, CreatedAt: Noon, UpdatedAt: Noon}
	b.Kept = append(b.Kept, p)
	slices.SortFunc(b.Kept, func(x, y ledger.Policy) int { return strings.Compare(x.Code, y.Code) })
	return p, false, nil
}

// SetPolicyStatus changes a policy that has the tag.
func (b *Book) SetPolicyStatus(_ context.Context, code, tag string, s ledger.Status) (ledger.Policy, error) {
	n := b.at(code)
	if b.Overtaken > 0 {
		b.Overtaken--
		b.Kept[n].UpdatedAt = b.Kept[n].UpdatedAt.Add(time.Minute)
	}
	if b.Away != nil || b.Kept[n].UpdatedAt.String() != tag {
		return ledger.Policy{}, cmp.Or(b.Away, ledger.ErrPolicyChanged)
	}
	b.Kept[n].Status, b.Kept[n].UpdatedAt = s, b.Kept[n].UpdatedAt.Add(time.Minute)
	return b.Kept[n], nil
}

// Lots returns a page of the lots.
func (b *Book) Lots(_ context.Context, _, before string, limit int) ([]ledger.Lot, error) {
	from := slices.IndexFunc(b.Held, func(l ledger.Lot) bool { return l.MoneyTxID == before }) + 1
	return b.Held[from:min(from+limit, len(b.Held))], b.Away
}

// Lot returns a lot.
func (b *Book) Lot(_ context.Context, _, moneyTxID string) (ledger.Lot, error) {
	n := slices.IndexFunc(b.Held, func(l ledger.Lot) bool { return l.MoneyTxID == moneyTxID })
	switch {
	case b.Away != nil:
		return ledger.Lot{}, b.Away
	case n < 0:
		return ledger.Lot{}, domain.NotFoundError("the ledger has no such save of the member", "")
	}
	return b.Held[n], nil
}
