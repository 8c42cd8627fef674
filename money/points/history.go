package points

import (
	"context"
	"fmt"
	"time"

	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// Member reads what a member has at this moment. Error: a *Refusal (BadMember, OutOfRange).
func (l *Lots) Member(ctx context.Context, memberID string) (money.Member, error) {
	m := money.Member{MemberID: memberID}
	if r := money.CheckMember(memberID); r != nil {
		return m, r
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
	if err := l.pool.QueryRow(ctx, query, memberID).Scan(&fits, &m.Balance, &m.Owed, &instants, &points); err != nil {
		return m, fmt.Errorf("read member: %w", err)
	}
	if !fits {
		return m, money.NewRefusal(money.OutOfRange, "the member has more points than a number can hold")
	}
	m.Expiring = make([]money.Expiring, len(instants))
	for n := range instants {
		m.Expiring[n] = money.Expiring{ExpiryAt: instants[n], Amount: points[n]}
	}
	return m, nil
}

// checkHistory returns the id before which q's page begins and the status that it asks for, or why it cannot be
// answered.
func checkHistory(q *money.HistoryQuery) (before int64, of status, err error) {
	before = 1<<63 - 1
	if q.Limit == 0 {
		q.Limit = 100
	}
	if r := money.CheckMember(q.MemberID); r != nil {
		return before, of, r
	}
	if q.Limit < 1 || q.Limit > money.MaxPage {
		return before, of, money.NewRefusal(money.BadLimit, "the limit is not a number from 1 to %d", money.MaxPage)
	}
	if q.Kind != "" {
		if of = statusOf(q.Kind); of == "" {
			return before, of, money.NewRefusal(money.BadKind,
				"the kind is none of save, use, use_cancel, save_cancel and expire")
		}
	}
	if q.Before != "" {
		kind, id, err := money.ParseTxID(q.Before)
		if err != nil || kind != money.Points {
			return before, of, money.NewRefusal(money.BadCursor,
				"the cursor is not one that a page of this history has returned")
		}
		before = id
	}
	return before, of, nil
}

// Movements returns a page of the history, newest first. Error: a *Refusal (BadMember, BadCursor, BadKind, BadLimit).
func (l *Lots) Movements(ctx context.Context, q money.HistoryQuery) ([]money.Movement, error) {
	before, of, err := checkHistory(&q)
	if err != nil {
		return nil, err
	}
	const query = `SELECT point_member_id, point_status_code, point, point_type_code, coalesce(ref_unique_id, ''), coalesce(reason, ''),
			coalesce(undo_point_member_id, 0), created_at, expiry_at, issue_date, expiry_date
		FROM money.point_member
		WHERE member_id = $1 AND point_member_id < $2 AND ($3 = '' OR point_status_code = $3)
			AND ($4::timestamptz IS NULL OR created_at >= $4) AND ($5::timestamptz IS NULL OR created_at < $5)
		ORDER BY point_member_id DESC LIMIT $6`
	rows, err := l.pool.Query(ctx, query, q.MemberID, before, string(of), q.From, q.To, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	page, err := pgx.CollectRows(rows, scanMovement)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return page, nil
}

func scanMovement(row pgx.CollectableRow) (m money.Movement, err error) {
	var id, undo int64
	var code status
	err = row.Scan(&id, &code, &m.Amount, &m.TypeCode, &m.Ref, &m.Reason, &undo, &m.CreatedAt, &m.ExpiryAt,
		&m.IssueDate, &m.ExpiryDate)
	m.TxID, m.Kind = money.Points.TxID(id), code.kind()
	if undo != 0 {
		m.Undo = money.Points.TxID(undo)
	}
	return m, err
}

// Movement returns one movement with its lots. Error: a *Refusal (BadMember, UnknownMovement).
func (l *Lots) Movement(ctx context.Context, memberID, txID string) (money.Movement, error) {
	if r := money.CheckMember(memberID); r != nil {
		return money.Movement{}, r
	}
	kind, id, err := money.ParseTxID(txID)
	if err != nil || kind != money.Points {
		return money.Movement{}, unknownMovement()
	}
	const query = `SELECT point_member_id, point_status_code, point, point_type_code, coalesce(ref_unique_id, ''), coalesce(reason, ''),
			coalesce(undo_point_member_id, 0), created_at, expiry_at, issue_date, expiry_date
		FROM money.point_member WHERE member_id = $1 AND point_member_id = $2`
	rows, err := l.pool.Query(ctx, query, memberID, id)
	if err != nil {
		return money.Movement{}, fmt.Errorf("read movement: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanMovement)
	switch {
	case err != nil:
		return money.Movement{}, fmt.Errorf("read movement: %w", err)
	case len(found) == 0:
		return money.Movement{}, unknownMovement()
	}
	m := found[0]
	if m.Kind == money.KindSave {
		m.Lots = []money.Part{{SaveID: m.TxID, Amount: m.Amount}}
		m.Cancellable, err = selectCancellable(ctx, l.pool, saveID{memberID, id})
		return m, err
	}
	m.Lots, err = selectParts(ctx, l.pool, memberID, id)
	return m, err
}
