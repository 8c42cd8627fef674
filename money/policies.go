package money

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Policy is an accrual policy, which an operator defines: what a save that names it may be, and how long its points are valid.
// It is never deleted, since saves are of it.
type Policy struct {
	Code string // 1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first
	PolicyTerms

	Revision  int64 // it rises with each change
	CreatedAt time.Time
	UpdatedAt time.Time

	id int64
}

// PolicyTerms is what an operator may change of a policy. A change counts for later saves only. A nil bound does not bound.
type PolicyTerms struct {
	Name   string // for people: 1 to 100 characters
	Status PolicyStatus

	Validity Validity
	Days     *int       // of ValidDays: 1 to 36,500
	Until    *time.Time // of ValidUntil: the last day, of which the time is of no account
	Months   *int       // of ValidMonthEnd: 0 to 1,200

	Min, Max    *int64 // of the amount of one save
	MaxHold     *int64 // of what a member may hold after a save
	RegrantDays *int   // how long points are valid that a cancel gives back after their expiry: 1 to 36,500; nil: Config.RegrantDays
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

// Policies returns a page of the policies in the order of their codes. Error: a *Refusal (BadLimit, BadCursor, BadChoice).
func (l *Ledger) Policies(ctx context.Context, q PolicyQuery) ([]Policy, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	switch {
	case q.Limit < 1 || q.Limit > MaxPage:
		return nil, refusedAs(BadLimit, "the limit is not a number from 1 to %d", MaxPage)
	case q.Status != "" && q.Status != PolicyActive && q.Status != PolicyRetired:
		return nil, refusedAs(BadChoice, "the status is neither %s nor %s", PolicyActive, PolicyRetired)
	case !text(q.After, maxPolicy):
		return nil, refusedAs(BadCursor, "the cursor is not one that a page of policies has returned")
	}
	const query = `SELECT point_master_id, code, name, status, validity_kind, validity_days, valid_until, valid_months, min_point,
			max_point, max_hold, regrant_days, coalesce(type_code, ''), revision, created_at, updated_at
		FROM money.point_master WHERE code > $1 AND ($2 = '' OR status = $2) ORDER BY code LIMIT $3`
	rows, err := l.Pool.Query(ctx, query, q.After, q.Status, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	page, err := pgx.CollectRows(rows, scanPolicy)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return page, nil
}

// selectPolicies reads the policies with the codes.
func selectPolicies(ctx context.Context, q querier, codes ...string) (map[string]*Policy, error) {
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
	policies := make(map[string]*Policy, len(list))
	for n := range list {
		policies[list[n].Code] = &list[n]
	}
	return policies, nil
}

func scanPolicy(row pgx.CollectableRow) (p Policy, err error) {
	return p, row.Scan(&p.id, &p.Code, &p.Name, &p.Status, &p.Validity, &p.Days, &p.Until, &p.Months, &p.Min,
		&p.Max, &p.MaxHold, &p.RegrantDays, &p.TypeCode, &p.Revision, &p.CreatedAt, &p.UpdatedAt)
}

// Policy returns the policy with the code. Error: a *Refusal (UnknownPolicy).
func (l *Ledger) Policy(ctx context.Context, code string) (Policy, error) {
	return selectPolicy(ctx, l.Pool, code)
}

func selectPolicy(ctx context.Context, q querier, code string) (Policy, error) {
	if !text(code, maxPolicy) {
		return Policy{}, noPolicy.refused()
	}
	found, err := selectPolicies(ctx, q, code)
	if err != nil {
		return Policy{}, err
	}
	if found[code] == nil {
		return Policy{}, noPolicy.refused()
	}
	return *found[code], nil
}

// CreatePolicy makes a policy. Its code is its idempotency key: with the same terms again it changes nothing, and replayed is
// true. The zero Status is ACTIVE, the zero Validity none. Errors: a *Refusal (PolicyExists), a *PolicyError.
func (l *Ledger) CreatePolicy(ctx context.Context, code string, terms PolicyTerms) (p Policy, replayed bool, err error) {
	if terms.Status == "" {
		terms.Status = PolicyActive
	}
	if terms.Validity == "" {
		terms.Validity = ValidForever
	}
	err = pg.InTx(ctx, l.Pool, func(tx pgx.Tx) (err error) {
		p, replayed, err = l.createPolicy(ctx, tx, code, terms)
		return err
	})
	if err != nil {
		return Policy{}, false, fmt.Errorf("create policy: %w", err)
	}
	return p, replayed, nil
}

func (l *Ledger) createPolicy(ctx context.Context, tx pgx.Tx, code string, terms PolicyTerms) (p Policy, replayed bool, err error) {
	today, err := l.today(ctx, tx)
	if err != nil {
		return p, false, err
	}
	// The look comes first: a policy that was made is a replay, though its last day has passed since.
	found := map[string]*Policy{}
	if text(code, maxPolicy) {
		if found, err = selectPolicies(ctx, tx, code); err != nil {
			return p, false, err
		}
	}
	if found[code] == nil {
		if err := checkNewPolicy(code, &terms, today); err != nil {
			return p, false, err
		}
		const insert = `INSERT INTO money.point_master (code, name, status, validity_kind, validity_days, valid_until, valid_months,
				min_point, max_point, max_hold, regrant_days, type_code)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, '')) ON CONFLICT (code) DO NOTHING`
		made, err := tx.Exec(ctx, insert, append([]any{code}, terms.columns()...)...)
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
	if replayed && !p.equal(&terms) {
		return p, false, refusedAs(PolicyExists, "there is a policy with this code, which has other terms: change it, or take another code")
	}
	return p, replayed, nil
}

// columns are the values of t in the order of the statements that write them.
func (t *PolicyTerms) columns() []any {
	return []any{t.Name, t.Status, t.Validity, t.Days, t.Until, t.Months, t.Min, t.Max, t.MaxHold, t.RegrantDays, t.TypeCode}
}

// equal reports whether both say the same.
func (t *PolicyTerms) equal(other *PolicyTerms) bool { return reflect.DeepEqual(t, other) }

// EditPolicy changes the terms of a policy by change, if it is in one of the states that revisions names, none for any. A
// policy that has the terms already is returned as it is, in whatever state: the change was applied before. Errors: a *Refusal
// (UnknownPolicy, PolicyChanged), a *PolicyError, that of change.
func (l *Ledger) EditPolicy(ctx context.Context, code string, revisions []int64, change func(*PolicyTerms) error) (Policy, error) {
	p, err := pg.Value(ctx, l.Pool, func(tx pgx.Tx) (Policy, error) { return l.editPolicy(ctx, tx, code, revisions, change) })
	if err != nil {
		return Policy{}, fmt.Errorf("edit policy: %w", err)
	}
	return p, nil
}

func (l *Ledger) editPolicy(ctx context.Context, tx pgx.Tx, code string, revisions []int64, change func(*PolicyTerms) error) (Policy, error) {
	today, err := l.today(ctx, tx)
	if err != nil {
		return Policy{}, err
	}
	const lock = `SELECT FROM money.point_master WHERE code = $1 FOR UPDATE`
	if _, err := tx.Exec(ctx, lock, storable(code)); err != nil {
		return Policy{}, fmt.Errorf("lock policy: %w", err)
	}
	was, err := selectPolicy(ctx, tx, code)
	if err != nil {
		return Policy{}, err
	}
	terms := was.PolicyTerms
	if err := change(&terms); err != nil {
		return Policy{}, err
	}
	switch {
	case was.equal(&terms):
		return was, nil
	case len(revisions) > 0 && !slices.Contains(revisions, was.Revision):
		return Policy{}, refusedAs(PolicyChanged, "the policy has been changed since it was read: read it again, and decide anew")
	}
	if err := checkTerms(&terms, &was.PolicyTerms, today); err != nil {
		return Policy{}, err
	}
	const update = `UPDATE money.point_master SET name = $2, status = $3, validity_kind = $4, validity_days = $5, valid_until = $6,
			valid_months = $7, min_point = $8, max_point = $9, max_hold = $10, regrant_days = $11, type_code = nullif($12, ''),
			revision = revision + 1, updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, append([]any{code}, terms.columns()...)...); err != nil {
		return Policy{}, fmt.Errorf("write policy: %w", err)
	}
	return selectPolicy(ctx, tx, code)
}

// storable returns code, "" for one that cannot stand in a row.
func storable(code string) string {
	if !text(code, maxPolicy) {
		return ""
	}
	return code
}

// today returns the day of the database's clock in the ledger's time zone.
func (l *Ledger) today(ctx context.Context, tx pgx.Tx) (time.Time, error) {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read time: %w", err)
	}
	return dateOf(now.In(l.Location)), nil
}

// dateOf returns the day of t as a date is read from the database: midnight in UTC.
func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
