package points

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"bestow/internal/english"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// CancelSaves undoes saves in one transaction, and answers in the order asked, as if one had been asked after the
// other. Errors: ErrDeadline, ErrBusy, ErrTooMany (MaxCancels); after any other it is unknown what was applied: ask
// again with the same keys.
func (l *Lots) CancelSaves(ctx context.Context, deadline time.Time,
	cancels []money.Cancel,
) ([]money.CancelAnswer, error) {
	work := func(tx pgx.Tx) ([]money.CancelAnswer, error) { return l.cancelSaves(ctx, tx, slices.Clone(cancels)) }
	return frame.Batch(ctx, l.pool, deadline, "saves", cancels, work,
		func(a *money.CancelAnswer) money.Outcome { return a.Outcome })
}

// family is a save with what has become of its points: its own lot, and the lots in which they were saved anew.
type family struct {
	movement

	lots    []lot // its own first
	asked   int64 // by earlier cancels
	expired int64 // of what expired, what no earlier cancel has counted
}

// familySQL reads, for members $1 and saves $2, what became of each save's points. What expired and was saved anew has
// not expired for good.
const familySQL = `SELECT s.idempotency_key, s.point_member_id, s.member_id, s.point_status_code, s.point, coalesce(s.memo, ''),
		s.point_type_code, coalesce(s.ref_unique_id, ''), c.asked, coalesce(lots.expired, 0) - coalesce(lots.anew, 0) - c.expired,
		coalesce(lots.ids, '{}'), coalesce(lots.remaining, '{}')
	FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY t (member_id, id, n)
	CROSS JOIN LATERAL (
		SELECT * FROM money.point_member WHERE member_id = t.member_id AND point_member_id = t.id LIMIT 1) s
	CROSS JOIN LATERAL (
		SELECT coalesce(sum(asked), 0)::bigint AS asked, coalesce(sum(expired), 0)::bigint AS expired
		FROM money.point_cancel WHERE member_id = t.member_id AND save_point_member_id = t.id) c
	CROSS JOIN LATERAL (
		SELECT array_agg(lot.id ORDER BY lot.id) AS ids, array_agg(rest.remaining ORDER BY lot.id) AS remaining,
			sum(lot.anew)::bigint AS anew, sum(gone.point)::bigint AS expired
		FROM (
			SELECT t.id AS id, 0::bigint AS anew
			UNION ALL
			SELECT point_member_id, point FROM money.point_member
			WHERE member_id = t.member_id AND undo_point_member_id IS NOT NULL AND point_status_code = 'S' AND memo = 'of:P' || t.id) lot
		CROSS JOIN LATERAL (
			SELECT remaining FROM money.point_lot WHERE member_id = t.member_id AND save_point_member_id = lot.id AND remaining > 0
			UNION ALL
			SELECT remaining FROM money.point_lot WHERE member_id = t.member_id AND save_point_member_id = lot.id AND remaining = 0) rest
		LEFT JOIN LATERAL (
			SELECT -sum(point) AS point FROM money.point_draw
			WHERE member_id = t.member_id AND save_point_member_id = lot.id AND point_status_code = 'E') gone ON true) lots
	ORDER BY t.n`

// saveID names a save.
type saveID struct {
	member string
	id     int64
}

func selectFamilies(ctx context.Context, q pg.Querier, members []string, ids []int64) (map[saveID]*family, error) {
	rows, err := q.Query(ctx, familySQL, members, ids)
	if err != nil {
		return nil, fmt.Errorf("read saves: %w", err)
	}
	families := make(map[saveID]*family, len(ids))
	defer rows.Close()
	for rows.Next() {
		var f family
		var lots, remaining []int64
		err := rows.Scan(&f.key, &f.id, &f.member, &f.status, &f.point, &f.memo, &f.typeCode, &f.ref, &f.asked,
			&f.expired, &lots, &remaining)
		if err != nil {
			return nil, fmt.Errorf("read saves: %w", err)
		}
		for n := range lots {
			f.lots = append(f.lots, lot{id: lots[n], remaining: remaining[n]})
		}
		families[saveID{f.member, f.id}] = &f
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read saves: %w", err)
	}
	return families, failpoint.Hit(ctx, failpoint.MoneyLotsRead)
}

// selectCancellable returns what can still be cancelled of a save, nil of one that a use-cancel made.
func selectCancellable(ctx context.Context, q pg.Querier, of saveID) (*money.Cancellable, error) {
	families, err := selectFamilies(ctx, q, []string{of.member}, []int64{of.id})
	if err != nil {
		return nil, err
	}
	f := families[of]
	if f.isRegrant() {
		return nil, nil
	}
	c := &money.Cancellable{Amount: f.point - f.asked}
	for _, p := range takeFrom(f.lots, c.Amount) {
		c.Left -= p.point
	}
	c.Expired = min(c.Amount-c.Left, f.expired)
	return c, nil
}

// cancelSave undoes one save, or a part of it.
func (l *Lots) cancelSave(ctx context.Context, tx pgx.Tx, c *money.Cancel, target,
	owed int64,
) (money.Cancelled, error) {
	families, err := selectFamilies(ctx, tx, []string{c.MemberID}, []int64{target})
	if err != nil {
		return money.Cancelled{}, err
	}
	d, err := families[saveID{c.MemberID, target}].cancel(c, &owed)
	if err != nil {
		return money.Cancelled{}, err
	}
	if err := l.write(ctx, tx, d); err != nil {
		return money.Cancelled{}, err
	}
	return d.cancelled(), nil
}

// cancelled returns the answer to a save-cancel that is written.
func (d *draft) cancelled() money.Cancelled {
	done := cancelled(d.id, d.status, d.point, d.cancel)
	done.Lots = partsOf(d.parts)
	return done
}

// cancel returns the save-cancel to write for c, or why it cannot be. It takes what the save's own lot has left; then
// what was saved anew of its points, so that a cancelled use launders nothing; then it counts what has expired; and the
// rest was spent. It subtracts what it takes from f's lots, and adds the new debt to owed.
func (f *family) cancel(c *money.Cancel, owed *int64) (*draft, error) {
	amount, err := f.amountOf(c)
	if err != nil {
		return nil, err
	}
	d := &draft{
		member: c.MemberID, status: statusSaveCancel, key: c.Key, reason: c.Reason,
		memo:     memoOfCancel(c, statusSaveCancel),
		typeCode: f.typeCode, ref: f.ref, undo: f.id,
	}
	taken := takeFrom(f.lots, amount)
	row := &cancelRow{policy: c.OnUsed, asked: amount}
	for _, p := range taken {
		row.taken += -p.point
	}
	row.expired = min(amount-row.taken, f.expired)
	row.uncollected = amount - row.taken - row.expired
	switch {
	case row.uncollected > 0 && c.OnUsed == money.RefuseUsed:
		r := money.NewRefusal(money.SavePartlyUsed,
			"of this save, spent: %s; left: %s; cancel what is left, or choose remaining or debt",
			english.Count(row.uncollected, "point"), english.Count(row.taken, "point"))
		r.Left = row.taken
		return nil, r
	case row.uncollected > 0 && c.OnUsed == money.OweUsed:
		if row.uncollected > math.MaxInt64-*owed {
			return nil, money.NewRefusal(money.OutOfRange, "the member would owe more than a number can hold")
		}
		d.owed = row.uncollected
	}
	for _, p := range taken {
		at := slices.IndexFunc(f.lots, func(l lot) bool { return l.id == p.lot })
		d.parts = append(d.parts, p)
		d.changes = append(d.changes, change{p.lot, p.point, f.lots[at].remaining})
		f.lots[at].remaining += p.point
	}
	d.point, d.cancel = -row.taken, row
	f.asked, f.expired, *owed = f.asked+amount, f.expired-row.expired, *owed+d.owed
	return d, nil
}

// takeFrom returns what amount takes from lots in their order.
func takeFrom(lots []lot, amount int64) (parts []part) {
	for _, l := range lots {
		if taken := min(amount, l.remaining); taken > 0 {
			parts = append(parts, part{l.id, -taken})
			amount -= taken
		}
	}
	return parts
}

// amountOf returns how much c cancels of a save, or why it cannot.
func (f *family) amountOf(c *money.Cancel) (int64, error) {
	switch {
	case f == nil:
		return 0, unknownMovement()
	case f.status != statusSave || f.isRegrant():
		return 0, notCancellable(&f.movement)
	}
	return amountOfLeft(c, "save", f.point-f.asked)
}

// isRegrant reports whether m saved anew what came back to an expired lot.
func (m *movement) isRegrant() bool {
	return m.status == statusSave && len(m.memo) > len(memoOf) && m.memo[:len(memoOf)] == memoOf
}
