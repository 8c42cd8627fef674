package policies

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/internal/english"
	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// maxCapped is the most items of a batch in which a policy limits what a member may hold: their members are locked.
const maxCapped = 1000

// Terms are the policies of a batch, and what the members hold whose saves they limit.
type Terms struct {
	policies map[string]*row
	holdings map[string]*holding
}

// holding holds what a member holds.
type holding struct{ open, owed int64 }

// allows reports whether the member may get amount more under p.
func (h *holding) allows(p *money.Policy, amount int64) bool {
	room := *p.MaxHold - h.open // below 0 if the member holds more already
	return amount <= room || amount-room <= h.owed
}

// Read reads the policies that items name. If one of them limits what a member may hold, it locks the members of its
// items and reads what they hold. A batch that names no policy costs nothing.
func Read(ctx context.Context, tx pgx.Tx, items []money.Item) (t Terms, err error) {
	codes := distinct(items, func(i *money.Item) (string, bool) {
		return i.Policy,
			i.Policy != "" && money.StorablePolicy(i.Policy)
	})
	if len(codes) == 0 {
		return t, nil
	}
	if t.policies, err = selectPolicies(ctx, tx, codes...); err != nil {
		return t, err
	}
	capped := distinct(items, func(i *money.Item) (string, bool) {
		p := t.policies[i.Policy]
		return i.MemberID, p != nil && p.MaxHold != nil && money.CheckMember(i.MemberID) == nil
	})
	if len(capped) == 0 {
		return t, nil
	}
	if len(items) > maxCapped {
		return t, fmt.Errorf("%w: %d, and %d is the most where a policy limits what a member may hold",
			money.ErrTooMany, len(items), maxCapped)
	}
	if _, err := frame.LockAccounts(ctx, tx, capped); err != nil {
		return t, err
	}
	t.holdings, err = selectHoldings(ctx, tx, capped)
	return t, err
}

// distinct returns the words of those items that have one, sorted and each once.
func distinct(items []money.Item, word func(*money.Item) (string, bool)) (words []string) {
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

// Resolve returns i with what its policy says where i itself says nothing, or why it cannot be saved by that policy
// now.
func (t *Terms) Resolve(i *money.Item, now time.Time, loc *time.Location) (money.Item, *money.Refusal) {
	item := *i
	if i.Policy == "" {
		return item, nil
	}
	p := t.policies[i.Policy]
	if p == nil {
		return item, money.ErrNoPolicy
	}
	if item.TypeCode == "" {
		item.TypeCode = p.TypeCode
	}
	if item.ExpiryAt != nil {
		return item, nil
	}
	if item.ExpiryAt = p.ExpiryAt(now, loc); item.Expired(now) {
		return item, &money.Refusal{
			Code:    money.Expired,
			Message: "the last day of the policy has passed: no points are saved by it any more",
		}
	}
	return item, nil
}

// Refuse returns why the policy of i does not allow it; if it does, i counts as held.
func (t *Terms) Refuse(i *money.Item) *money.Refusal {
	if i.Policy == "" {
		return nil
	}
	p := t.policies[i.Policy]
	if r := p.Refuse(i); r != nil || p.MaxHold == nil {
		return r
	}
	h := t.holdings[i.MemberID]
	if !h.allows(&p.Policy, i.Amount) {
		return &money.Refusal{
			Code:    money.OverHolding,
			Message: fmt.Sprintf("the policy lets a member hold %s at most", english.Count(*p.MaxHold, "point")),
		}
	}
	h.open += i.Amount
	return nil
}

// ID returns the point_master_id of the policy that i names, 0 for none.
func (t *Terms) ID(i *money.Item) int64 {
	if p := t.policies[i.Policy]; p != nil {
		return p.id
	}
	return 0
}
