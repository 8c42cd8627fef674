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

// lotsSQL reads lots of a member, newest first: those before $2, or the one that is $3. The indexes know open and
// closed lots, and no other condition.
const lotsSQL = `SELECT lot.save_point_member_id, lot.point, lot.remaining, lot.expiry_at, m.point_type_code,
		coalesce(m.ref_unique_id, ''), coalesce(m.reason, ''), m.created_at,
		coalesce(-sum(d.point) FILTER (WHERE d.point_status_code IN ('U', 'R')), 0)::bigint,
		coalesce(-sum(d.point) FILTER (WHERE d.point_status_code = 'C'), 0)::bigint,
		coalesce(-sum(d.point) FILTER (WHERE d.point_status_code = 'E'), 0)::bigint
	FROM (SELECT * FROM (
			(SELECT member_id, save_point_member_id, point, remaining, expiry_at FROM money.point_lot
				WHERE member_id = $1 AND remaining > 0 AND save_point_member_id < $2 AND ($3::bigint = 0 OR save_point_member_id = $3)
				ORDER BY save_point_member_id DESC LIMIT $4)
			UNION ALL
			(SELECT member_id, save_point_member_id, point, remaining, expiry_at FROM money.point_lot
				WHERE member_id = $1 AND remaining = 0 AND save_point_member_id < $2 AND ($3::bigint = 0 OR save_point_member_id = $3)
				ORDER BY save_point_member_id DESC LIMIT $4)
		) both_kinds ORDER BY save_point_member_id DESC LIMIT $4) lot
	JOIN money.point_member m ON m.member_id = lot.member_id AND m.point_member_id = lot.save_point_member_id
	LEFT JOIN money.point_draw d ON d.member_id = lot.member_id AND d.save_point_member_id = lot.save_point_member_id
	GROUP BY lot.save_point_member_id, lot.point, lot.remaining, lot.expiry_at, m.point_type_code,
		m.ref_unique_id, m.reason, m.created_at
	ORDER BY lot.save_point_member_id DESC`

// LotsOf returns a page of a member's lots, newest first. Error: a *Refusal (BadMember, BadCursor, BadLimit).
func (l *Lots) LotsOf(ctx context.Context, q money.LotsQuery) ([]money.Lot, error) {
	h := money.HistoryQuery{MemberID: q.MemberID, Before: q.Before, Limit: q.Limit}
	before, _, err := checkHistory(&h)
	if err != nil {
		return nil, err
	}
	return l.readLots(ctx, q.MemberID, before, 0, h.Limit)
}

func (l *Lots) readLots(ctx context.Context, member string, before, only int64, limit int) ([]money.Lot, error) {
	rows, err := l.pool.Query(ctx, lotsSQL, member, before, only, limit)
	if err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (lot money.Lot, err error) {
		var id int64
		err = row.Scan(&id, &lot.Amount, &lot.Left, &lot.ExpiryAt, &lot.TypeCode, &lot.Ref, &lot.Reason, &lot.CreatedAt,
			&lot.Used, &lot.Cancelled, &lot.Expired)
		lot.SaveID = money.Points.TxID(id)
		return lot, err
	})
	if err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	return page, nil
}

// Lot returns the lot of a save with what was drawn from it, the newest first, at most MaxPage of it. Error: a *Refusal
// (BadMember, UnknownMovement).
func (l *Lots) Lot(ctx context.Context, memberID, txID string) (money.Lot, error) {
	if r := money.CheckMember(memberID); r != nil {
		return money.Lot{}, r
	}
	kind, id, err := money.ParseTxID(txID)
	if err != nil || kind != money.Points {
		return money.Lot{}, unknownMovement()
	}
	found, err := l.readLots(ctx, memberID, 1<<63-1, id, 1)
	switch {
	case err != nil:
		return money.Lot{}, err
	case len(found) == 0:
		return money.Lot{}, unknownMovement()
	}
	lot := found[0]
	const query = `SELECT point_member_id, point_status_code, point, created_at FROM money.point_draw
		WHERE member_id = $1 AND save_point_member_id = $2 ORDER BY point_member_id DESC LIMIT $3`
	rows, err := l.pool.Query(ctx, query, memberID, id, money.MaxPage)
	if err != nil {
		return lot, fmt.Errorf("read draws: %w", err)
	}
	lot.Draws, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d money.Draw, err error) {
		var id int64
		var code status
		err = row.Scan(&id, &code, &d.Amount, &d.CreatedAt)
		d.TxID, d.Kind = money.Points.TxID(id), code.kind()
		return d, err
	})
	if err != nil {
		return lot, fmt.Errorf("read draws: %w", err)
	}
	return lot, nil
}
