package policies

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store keeps the policies.
type Store struct {
	pool     *pgxpool.Pool
	location *time.Location // of the last day of a policy
}

// New returns the store of the policies in pool.
func New(pool *pgxpool.Pool, location *time.Location) *Store { return &Store{pool, location} }

// Policies returns a page of the policies in the order of their codes. Error: a *Refusal (BadLimit, BadCursor,
// BadChoice).
func (s *Store) Policies(ctx context.Context, q money.PolicyQuery) ([]money.Policy, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	switch {
	case q.Limit < 1 || q.Limit > money.MaxPage:
		return nil, money.NewRefusal(money.BadLimit, "the limit is not a number from 1 to %d", money.MaxPage)
	case q.Status != "" && q.Status != money.PolicyActive && q.Status != money.PolicyRetired:
		return nil, money.NewRefusal(money.BadChoice, "the status is neither %s nor %s", money.PolicyActive,
			money.PolicyRetired)
	case !money.StorablePolicy(q.After):
		return nil, money.NewRefusal(money.BadCursor, "the cursor is not one that a page of policies has returned")
	}
	const query = `SELECT point_master_id, code, name, status, validity_kind, validity_days, valid_until, valid_months, min_point,
			max_point, max_hold, regrant_days, coalesce(type_code, ''), revision, created_at, updated_at
		FROM money.point_master WHERE code > $1 AND ($2 = '' OR status = $2) ORDER BY code LIMIT $3`
	rows, err := s.pool.Query(ctx, query, q.After, q.Status, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanPolicy)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	page := make([]money.Policy, len(list))
	for n := range list {
		page[n] = list[n].Policy
	}
	return page, nil
}

// selectPolicies reads the policies with the codes.
func selectPolicies(ctx context.Context, q pg.Querier, codes ...string) (map[string]*row, error) {
	const query = `SELECT point_master_id, code, name, status, validity_kind, validity_days, valid_until, valid_months, min_point,
			max_point, max_hold, regrant_days, coalesce(type_code, ''), revision, created_at, updated_at
		FROM money.point_master WHERE code = ANY ($1::text[])`
	rows, err := q.Query(ctx, query, codes)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanPolicy)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	policies := make(map[string]*row, len(list))
	for n := range list {
		policies[list[n].Code] = &list[n]
	}
	return policies, nil
}

// row is a policy with its point_master_id.
type row struct {
	money.Policy

	id int64
}

func scanPolicy(row pgx.CollectableRow) (p row, err error) {
	return p, row.Scan(&p.id, &p.Code, &p.Name, &p.Status, &p.Validity, &p.Days, &p.Until, &p.Months, &p.Min,
		&p.Max, &p.MaxHold, &p.RegrantDays, &p.TypeCode, &p.Revision, &p.CreatedAt, &p.UpdatedAt)
}

// Policy returns the policy with the code. Error: a *Refusal (UnknownPolicy).
func (s *Store) Policy(ctx context.Context, code string) (money.Policy, error) {
	return selectPolicy(ctx, s.pool, code)
}

func selectPolicy(ctx context.Context, q pg.Querier, code string) (money.Policy, error) {
	if !money.StorablePolicy(code) {
		return money.Policy{}, money.ErrNoPolicy.Err()
	}
	found, err := selectPolicies(ctx, q, code)
	if err != nil {
		return money.Policy{}, err
	}
	if found[code] == nil {
		return money.Policy{}, money.ErrNoPolicy.Err()
	}
	return found[code].Policy, nil
}

// CreatePolicy makes a policy. Its code is its idempotency key: with the same terms again it changes nothing, and
// replayed is true. The zero Status is ACTIVE, the zero Validity none. Errors: a *Refusal (PolicyExists), a
// *PolicyError.
func (s *Store) CreatePolicy(ctx context.Context, code string,
	terms money.PolicyTerms,
) (p money.Policy, replayed bool, err error) {
	if terms.Status == "" {
		terms.Status = money.PolicyActive
	}
	if terms.Validity == "" {
		terms.Validity = money.ValidForever
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		p, replayed, err = s.createPolicy(ctx, tx, code, terms)
		return err
	})
	if err != nil {
		return money.Policy{}, false, fmt.Errorf("create policy: %w", err)
	}
	return p, replayed, nil
}

func (s *Store) createPolicy(ctx context.Context, tx pgx.Tx, code string,
	terms money.PolicyTerms,
) (p money.Policy, replayed bool, err error) {
	today, err := s.today(ctx, tx)
	if err != nil {
		return p, false, err
	}
	// The look comes first: a policy that was made is a replay, though its last day has passed since.
	found := map[string]*row{}
	if money.StorablePolicy(code) {
		if found, err = selectPolicies(ctx, tx, code); err != nil {
			return p, false, err
		}
	}
	if found[code] == nil {
		if err := money.CheckNewPolicy(code, &terms, today); err != nil {
			return p, false, err
		}
		const insert = `INSERT INTO money.point_master (code, name, status, validity_kind, validity_days, valid_until, valid_months,
				min_point, max_point, max_hold, regrant_days, type_code)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, '')) ON CONFLICT (code) DO NOTHING`
		made, err := tx.Exec(ctx, insert, append([]any{code}, columnsOfTerms(&terms)...)...)
		if err != nil {
			return p, false, fmt.Errorf("write policy: %w", err)
		}
		replayed = made.RowsAffected() == 0 // another caller was quicker
	} else {
		replayed = true
	}
	if p, err = selectPolicy(ctx, tx, code); err != nil {
		return p, false, err
	}
	if replayed && !p.Equal(&terms) {
		return p, false, money.NewRefusal(money.PolicyExists,
			"there is a policy with this code, which has other terms: change it, or take another code")
	}
	return p, replayed, nil
}

// EditPolicy changes the terms of a policy by change, if it is in one of the states that revisions names, none for any.
// A policy that has the terms already is returned as it is, in any state: the change was applied before. Errors: a
// *Refusal (UnknownPolicy, PolicyChanged), a *PolicyError, that of change.
func (s *Store) EditPolicy(ctx context.Context, code string, revisions []int64,
	change func(*money.PolicyTerms) error,
) (money.Policy, error) {
	p, err := pg.Value(ctx, s.pool,
		func(tx pgx.Tx) (money.Policy, error) { return s.editPolicy(ctx, tx, code, revisions, change) })
	if err != nil {
		return money.Policy{}, fmt.Errorf("edit policy: %w", err)
	}
	return p, nil
}

func (s *Store) editPolicy(ctx context.Context, tx pgx.Tx, code string, revisions []int64,
	change func(*money.PolicyTerms) error,
) (money.Policy, error) {
	today, err := s.today(ctx, tx)
	if err != nil {
		return money.Policy{}, err
	}
	const lock = `SELECT FROM money.point_master WHERE code = $1 FOR UPDATE`
	if _, err := tx.Exec(ctx, lock, storable(code)); err != nil {
		return money.Policy{}, fmt.Errorf("lock policy: %w", err)
	}
	was, err := selectPolicy(ctx, tx, code)
	if err != nil {
		return money.Policy{}, err
	}
	terms := was.PolicyTerms
	if err := change(&terms); err != nil {
		return money.Policy{}, err
	}
	switch {
	case was.Equal(&terms):
		return was, nil
	case len(revisions) > 0 && !slices.Contains(revisions, was.Revision):
		return money.Policy{}, money.NewRefusal(money.PolicyChanged,
			"the policy has been changed since it was read: read it again, and decide anew")
	}
	if err := money.CheckTerms(&terms, &was.PolicyTerms, today); err != nil {
		return money.Policy{}, err
	}
	const update = `UPDATE money.point_master SET name = $2, status = $3, validity_kind = $4, validity_days = $5, valid_until = $6,
			valid_months = $7, min_point = $8, max_point = $9, max_hold = $10, regrant_days = $11, type_code = nullif($12, ''),
			revision = revision + 1, updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, append([]any{code}, columnsOfTerms(&terms)...)...); err != nil {
		return money.Policy{}, fmt.Errorf("write policy: %w", err)
	}
	return selectPolicy(ctx, tx, code)
}

// storable returns code, "" for one that cannot stand in a row.
func storable(code string) string {
	if !money.StorablePolicy(code) {
		return ""
	}
	return code
}

// today returns the day of the database's clock in the ledger's time zone.
func (s *Store) today(ctx context.Context, tx pgx.Tx) (time.Time, error) {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read time: %w", err)
	}
	return dayOf(now.In(s.location)), nil
}

// dayOf returns the day of t as a date is read from the database: midnight in UTC.
func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// columnsOfTerms returns the values of t in the order of the statements that write them.
func columnsOfTerms(t *money.PolicyTerms) []any {
	return []any{
		t.Name, t.Status, t.Validity, t.Days, t.Until, t.Months, t.Min, t.Max, t.MaxHold, t.RegrantDays,
		t.TypeCode,
	}
}
