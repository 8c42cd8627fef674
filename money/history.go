package money

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Member is what a member has. A member that no movement knows has nothing.
type Member struct {
	MemberID string
	Balance  int64 // what can be spent now: open lots less Owed; it may be negative
	Owed     int64
	Expiring []Expiring // the next instants at which points expire, at most 12
}

// Expiring is what expires at one instant.
type Expiring struct {
	ExpiryAt time.Time
	Amount   int64
}

// Member reads what a member has at this moment. Error: a *Refusal (BadMember, OutOfRange).
func (l *Ledger) Member(ctx context.Context, memberID string) (Member, error) {
	m := Member{MemberID: memberID}
	if !memberName(memberID) {
		return m, badMember.refused()
	}
	const query = `WITH open AS MATERIALIZED (
			SELECT expiry_at, sum(remaining) AS points FROM money.point_lot
			WHERE member_id = $1 AND remaining > 0 AND (expiry_at IS NULL OR expiry_at > now())
			GROUP BY expiry_at
		), total AS (
			SELECT coalesce((SELECT sum(points) FROM open), 0) - coalesce((SELECT owed FROM money.point_account WHERE member_id = $1), 0) AS balance,
				coalesce((SELECT owed FROM money.point_account WHERE member_id = $1), 0) AS owed
		), next AS (
			SELECT expiry_at, points FROM open WHERE expiry_at IS NOT NULL ORDER BY expiry_at LIMIT 12
		)
		SELECT abs(balance) <= 9223372036854775807 AND NOT EXISTS (SELECT FROM next WHERE points > 9223372036854775807),
			least(greatest(balance, -9223372036854775807), 9223372036854775807)::bigint, owed,
			(SELECT coalesce(array_agg(expiry_at ORDER BY expiry_at), '{}') FROM next),
			(SELECT coalesce(array_agg(least(points, 9223372036854775807)::bigint ORDER BY expiry_at), '{}') FROM next)
		FROM total`
	var fits bool
	var instants []time.Time
	var points []int64
	if err := l.Pool.QueryRow(ctx, query, memberID).Scan(&fits, &m.Balance, &m.Owed, &instants, &points); err != nil {
		return m, fmt.Errorf("read member: %w", err)
	}
	if !fits {
		return m, refusedAs(OutOfRange, "the member has more points than a number can hold")
	}
	m.Expiring = make([]Expiring, len(instants))
	for n := range instants {
		m.Expiring[n] = Expiring{instants[n], points[n]}
	}
	return m, nil
}

// HistoryQuery asks for one page of a member's history.
type HistoryQuery struct {
	MemberID string
	Before   string       // the last transaction id of the page before; "" for the newest page
	From, To *time.Time   // created at or after From, before To; nil for no bound
	Kind     MovementKind // "" for all
	Limit    int          // 1 to MaxPage; 0 for 100
}

// MaxPage is the most movements of a page.
const MaxPage = 1000

// check returns the id before which q's page begins and the status that it asks for, or why it cannot be answered.
func (q *HistoryQuery) check() (before int64, of status, err error) {
	before = 1<<63 - 1
	if q.Limit == 0 {
		q.Limit = 100
	}
	if !memberName(q.MemberID) {
		return before, of, badMember.refused()
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return before, of, refusedAs(BadLimit, "the limit is not a number from 1 to %d", MaxPage)
	}
	if q.Kind != "" {
		if of = q.Kind.status(); of == "" {
			return before, of, refusedAs(BadKind, "the kind is none of save, use, use_cancel, save_cancel and expire")
		}
	}
	if q.Before != "" {
		kind, id, err := ParseTxID(q.Before)
		if err != nil || kind != Points {
			return before, of, refusedAs(BadCursor, "the cursor is not one that a page of this history has returned")
		}
		before = id
	}
	return before, of, nil
}

// Movements returns a page of the history, newest first. Error: a *Refusal (BadMember, BadCursor, BadKind, BadLimit).
func (l *Ledger) Movements(ctx context.Context, q HistoryQuery) ([]Movement, error) {
	before, of, err := q.check()
	if err != nil {
		return nil, err
	}
	const query = `SELECT point_member_id, point_status_code, point, point_type_code, coalesce(ref_unique_id, ''), coalesce(reason, ''),
			coalesce(undo_point_member_id, 0), created_at, expiry_at, issue_date, expiry_date
		FROM money.point_member
		WHERE member_id = $1 AND point_member_id < $2 AND ($3 = '' OR point_status_code = $3)
			AND ($4::timestamptz IS NULL OR created_at >= $4) AND ($5::timestamptz IS NULL OR created_at < $5)
		ORDER BY point_member_id DESC LIMIT $6`
	rows, err := l.Pool.Query(ctx, query, q.MemberID, before, string(of), q.From, q.To, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	page, err := pgx.CollectRows(rows, scanMovement)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return page, nil
}

func scanMovement(row pgx.CollectableRow) (m Movement, err error) {
	var id, undo int64
	var code status
	err = row.Scan(&id, &code, &m.Amount, &m.TypeCode, &m.Ref, &m.Reason, &undo, &m.CreatedAt, &m.ExpiryAt, &m.IssueDate, &m.ExpiryDate)
	m.TxID, m.Kind = Points.txID(id), code.kind()
	if undo != 0 {
		m.Undo = Points.txID(undo)
	}
	return m, err
}

// Movement returns one movement with its lots. Error: a *Refusal (BadMember, UnknownMovement).
func (l *Ledger) Movement(ctx context.Context, memberID, txID string) (Movement, error) {
	if !memberName(memberID) {
		return Movement{}, badMember.refused()
	}
	kind, id, err := ParseTxID(txID)
	if err != nil || kind != Points {
		return Movement{}, unknownMovement()
	}
	const query = `SELECT point_member_id, point_status_code, point, point_type_code, coalesce(ref_unique_id, ''), coalesce(reason, ''),
			coalesce(undo_point_member_id, 0), created_at, expiry_at, issue_date, expiry_date
		FROM money.point_member WHERE member_id = $1 AND point_member_id = $2`
	rows, err := l.Pool.Query(ctx, query, memberID, id)
	if err != nil {
		return Movement{}, fmt.Errorf("read movement: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanMovement)
	switch {
	case err != nil:
		return Movement{}, fmt.Errorf("read movement: %w", err)
	case len(found) == 0:
		return Movement{}, unknownMovement()
	}
	m := found[0]
	if m.Kind == KindSave {
		m.Lots = []Part{{m.TxID, m.Amount}}
		m.Cancellable, err = selectCancellable(ctx, l.Pool, saveID{memberID, id})
		return m, err
	}
	m.Lots, err = selectParts(ctx, l.Pool, memberID, id)
	return m, err
}
