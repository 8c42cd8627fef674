package money

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxCapped is the most items of a batch in which a policy limits what a member may hold: their members are locked.
const maxCapped = 1000

// policy is a row of point_master: an accrual policy that an operator defines. A bound of 0 does not bound.
type policy struct {
	id       int64
	code     string
	active   bool
	kind     string // of its validity: none, days, until, month_end
	days     int
	until    *time.Time // the last day
	months   int
	min, max int64 // of one save
	maxHold  int64 // of one member
	typeCode string
}

// expiry returns the instant at which points that are saved at now expire, nil for never.
func (p *policy) expiry(now time.Time, loc *time.Location) *time.Time {
	day := now.In(loc)
	var at time.Time
	switch p.kind {
	case "days":
		at = day.AddDate(0, 0, p.days)
	case "until":
		at = time.Date(p.until.Year(), p.until.Month(), p.until.Day()+1, 0, 0, 0, 0, loc)
	case "month_end":
		at = time.Date(day.Year(), day.Month()+time.Month(p.months)+1, 1, 0, 0, 0, 0, loc)
	default:
		return nil
	}
	return &at
}

// refuse returns why p does not allow i.
func (p *policy) refuse(i *Item) refusal {
	switch {
	case !p.active:
		return refusal{PolicyInactive, "the policy is retired: no points are saved by it any more"}
	case p.min > 0 && i.Amount < p.min:
		return refusal{UnderMinimum, fmt.Sprintf("the policy saves %d points or more at once", p.min)}
	case p.max > 0 && i.Amount > p.max:
		return refusal{OverMaximum, fmt.Sprintf("the policy saves %d points at most at once", p.max)}
	}
	return refusal{}
}

// terms are the policies of a batch, and what the members hold whose saves they limit.
type terms struct {
	policies map[string]*policy
	holdings map[string]*holding
}

// holding is what a member holds.
type holding struct{ open, owed int64 }

// allows reports whether the member may get amount more under p.
func (h *holding) allows(p *policy, amount int64) bool {
	room := p.maxHold - h.open // below 0 if the member holds more already
	return amount <= room || amount-room <= h.owed
}

// readTerms reads the policies that items name. If one of them limits what a member may hold, it locks the members of its
// items and reads what they hold. A batch that names no policy costs nothing.
func readTerms(ctx context.Context, tx pgx.Tx, items []Item) (t terms, err error) {
	codes := distinct(items, func(i *Item) (string, bool) { return i.Policy, i.Policy != "" && text(i.Policy, maxPolicy) })
	if len(codes) == 0 {
		return t, nil
	}
	if t.policies, err = selectPolicies(ctx, tx, codes); err != nil {
		return t, err
	}
	capped := distinct(items, func(i *Item) (string, bool) {
		p := t.policies[i.Policy]
		return i.MemberID, p != nil && p.maxHold > 0 && memberName(i.MemberID)
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

// maxPolicy is the width of a policy's code.
const maxPolicy = 50

func selectPolicies(ctx context.Context, tx pgx.Tx, codes []string) (map[string]*policy, error) {
	const query = `SELECT point_master_id, code, status = 'ACTIVE', validity_kind, coalesce(validity_days, 0), valid_until,
			coalesce(valid_months, 0), coalesce(min_point, 0), coalesce(max_point, 0), coalesce(max_hold, 0), coalesce(type_code, '')
		FROM money.point_master WHERE code = ANY ($1::text[])`
	rows, err := tx.Query(ctx, query, codes)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*policy, error) {
		var p policy
		return &p, row.Scan(&p.id, &p.code, &p.active, &p.kind, &p.days, &p.until, &p.months, &p.min, &p.max, &p.maxHold, &p.typeCode)
	})
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	policies := make(map[string]*policy, len(list))
	for _, p := range list {
		policies[p.code] = p
	}
	return policies, nil
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

// resolve returns i with what its policy says where i itself says nothing, or that there is no such policy.
func (t *terms) resolve(i *Item, now time.Time, loc *time.Location) (Item, refusal) {
	item := *i
	if i.Policy == "" {
		return item, refusal{}
	}
	p := t.policies[i.Policy]
	if p == nil {
		return item, refusal{UnknownPolicy, "there is no such policy"}
	}
	item.policyID = p.id
	if item.TypeCode == "" {
		item.TypeCode = p.typeCode
	}
	if item.ExpiryAt == nil {
		item.ExpiryAt = p.expiry(now, loc)
	}
	return item, refusal{}
}

// refuse returns why the policy of i, which resolve returned, does not allow it; if it does, i counts as held.
func (t *terms) refuse(i *Item) refusal {
	if i.Policy == "" {
		return refusal{}
	}
	p := t.policies[i.Policy]
	if r := p.refuse(i); r.code != "" || p.maxHold == 0 {
		return r
	}
	h := t.holdings[i.MemberID]
	if !h.allows(p, i.Amount) {
		return refusal{OverHolding, fmt.Sprintf("the policy lets a member hold %d points at most", p.maxHold)}
	}
	h.open += i.Amount
	return refusal{}
}
