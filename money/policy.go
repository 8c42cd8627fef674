package money

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// maxCapped is the most items of a batch in which a policy limits what a member may hold: their members are locked.
const maxCapped = 1000

// expiry returns the instant at which points that are saved at now expire, nil for never. The days are those of loc: an hour
// that is left out or comes twice there changes no last day.
func (p *Policy) expiry(now time.Time, loc *time.Location) *time.Time {
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

// refuse returns why p does not allow i.
func (p *Policy) refuse(i *Item) refusal {
	switch {
	case p.Status != PolicyActive:
		return refusal{PolicyInactive, "the policy is retired: no points are saved by it any more"}
	case p.Min != nil && i.Amount < *p.Min:
		return refusal{UnderMinimum, fmt.Sprintf("the policy saves %s or more at once", english.Count(*p.Min, "point"))}
	case p.Max != nil && i.Amount > *p.Max:
		return refusal{OverMaximum, fmt.Sprintf("the policy saves %s at most at once", english.Count(*p.Max, "point"))}
	}
	return refusal{}
}

// terms are the policies of a batch, and what the members hold whose saves they limit.
type terms struct {
	policies map[string]*Policy
	holdings map[string]*holding
}

// holding is what a member holds.
type holding struct{ open, owed int64 }

// allows reports whether the member may get amount more under p.
func (h *holding) allows(p *Policy, amount int64) bool {
	room := *p.MaxHold - h.open // below 0 if the member holds more already
	return amount <= room || amount-room <= h.owed
}

// readTerms reads the policies that items name. If one of them limits what a member may hold, it locks the members of its
// items and reads what they hold. A batch that names no policy costs nothing.
func readTerms(ctx context.Context, tx pgx.Tx, items []Item) (t terms, err error) {
	codes := distinct(items, func(i *Item) (string, bool) { return i.Policy, i.Policy != "" && text(i.Policy, maxPolicy) })
	if len(codes) == 0 {
		return t, nil
	}
	if t.policies, err = selectPolicies(ctx, tx, codes...); err != nil {
		return t, err
	}
	capped := distinct(items, func(i *Item) (string, bool) {
		p := t.policies[i.Policy]
		return i.MemberID, p != nil && p.MaxHold != nil && memberName(i.MemberID)
	})
	if len(capped) == 0 {
		return t, nil
	}
	if len(items) > maxCapped {
		return t, fmt.Errorf("%w: %d, and %d is the most where a policy limits what a member may hold", ErrTooMany, len(items), maxCapped)
	}
	if _, err := lockAccounts(ctx, tx, capped); err != nil {
		return t, err
	}
	t.holdings, err = selectHoldings(ctx, tx, capped)
	return t, err
}

// distinct returns the words of those items that have one, sorted and each once.
func distinct(items []Item, word func(*Item) (string, bool)) (words []string) {
	for n := range items {
		if w, ok := word(&items[n]); ok {
			words = append(words, w)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func selectHoldings(ctx context.Context, tx pgx.Tx, members []string) (map[string]*holding, error) {
	const query = `SELECT m.member_id, lots.open, a.owed
		FROM unnest($1::text[]) m (member_id)
		CROSS JOIN LATERAL (
			SELECT least(coalesce(sum(remaining), 0), 9e18)::bigint AS open FROM money.point_lot
			WHERE member_id = m.member_id AND remaining > 0 AND (expiry_at IS NULL OR expiry_at > now())) lots
		CROSS JOIN LATERAL (SELECT owed FROM money.point_account WHERE member_id = m.member_id LIMIT 1) a`
	rows, err := tx.Query(ctx, query, members)
	if err != nil {
		return nil, fmt.Errorf("read holdings: %w", err)
	}
	holdings := make(map[string]*holding, len(members))
	var member string
	var h holding
	_, err = pgx.ForEachRow(rows, []any{&member, &h.open, &h.owed}, func() error {
		read := h
		holdings[member] = &read
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read holdings: %w", err)
	}
	return holdings, nil
}

// resolve returns i with what its policy says where i itself says nothing, or why it cannot be saved by that policy now.
func (t *terms) resolve(i *Item, now time.Time, loc *time.Location) (Item, refusal) {
	item := *i
	if i.Policy == "" {
		return item, refusal{}
	}
	p := t.policies[i.Policy]
	if p == nil {
		return item, noPolicy
	}
	item.policyID = p.id
	if item.TypeCode == "" {
		item.TypeCode = p.TypeCode
	}
	if item.ExpiryAt != nil {
		return item, refusal{}
	}
	if item.ExpiryAt = p.expiry(now, loc); expired(&item, now) {
		return item, refusal{Expired, "the last day of the policy has passed: no points are saved by it any more"}
	}
	return item, refusal{}
}

// refuse returns why the policy of i, which resolve returned, does not allow it; if it does, i counts as held.
func (t *terms) refuse(i *Item) refusal {
	if i.Policy == "" {
		return refusal{}
	}
	p := t.policies[i.Policy]
	if r := p.refuse(i); r.code != "" || p.MaxHold == nil {
		return r
	}
	h := t.holdings[i.MemberID]
	if !h.allows(p, i.Amount) {
		return refusal{OverHolding, fmt.Sprintf("the policy lets a member hold %s at most", english.Count(*p.MaxHold, "point"))}
	}
	h.open += i.Amount
	return refusal{}
}
