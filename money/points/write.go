package points

import (
	"context"
	"fmt"

	"bestow/internal/failpoint"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// part holds what a movement does to one lot.
type part struct{ lot, point int64 }

// change holds what a lot's remaining becomes: by point more than was seen.
type change struct{ lot, point, seen int64 }

// draft is a movement that is to be written, with everything that changes with it.
type draft struct {
	member   string
	status   status
	point    int64
	key      string
	reason   string
	memo     string
	typeCode string
	ref      string
	undo     int64
	parts    []part
	changes  []change
	cancel   *cancelRow // of a save-cancel: its row of point_cancel
	claim    int64      // the save-cancel whose claim it collects; 0 for none
	owed     int64      // by how much the member owes more

	id int64 // once it is written
}

// writeSQL writes one movement: its row, its details in their order, what its lots have left, and what it changes of
// claims and debts. A lot is changed only if it has what was seen. The update has two arms, each with the condition of
// a partial index, and names the lots twice, so that no plan reads more lots of a member than those.
const writeSQL = `WITH moved AS (
		INSERT INTO money.point_member (member_id, point, idempotency_key, reason, memo, created_at, issue_date, expiry_date,
			point_status_code, point_type_code, ref_unique_id, undo_point_member_id)
		VALUES ($1, $2, $3, nullif($4::text, ''), nullif($5::text, ''), now(), to_char(now() AT TIME ZONE $6, 'YYYYMMDD'), '99991231',
			$7, $8, nullif($9::text, ''), nullif($10::bigint, 0))
		RETURNING point_member_id
	), drawn AS (
		INSERT INTO money.point_draw (point_member_id, save_point_member_id, point, created_at, member_id, point_status_code)
		SELECT moved.point_member_id, part.lot, part.point, now(), $1, $7
		FROM moved, unnest($11::bigint[], $12::bigint[]) WITH ORDINALITY part (lot, point, n)
		ORDER BY part.n
	), open AS (
		UPDATE money.point_lot lot SET remaining = lot.remaining + change.point
		FROM unnest($13::bigint[], $14::bigint[], $15::bigint[]) change (lot, point, seen)
		WHERE lot.member_id = $1 AND lot.save_point_member_id = change.lot AND lot.save_point_member_id = ANY ($13::bigint[])
			AND lot.remaining > 0 AND lot.remaining = change.seen
		RETURNING 1
	), empty AS (
		UPDATE money.point_lot lot SET remaining = change.point
		FROM unnest($13::bigint[], $14::bigint[], $15::bigint[]) change (lot, point, seen)
		WHERE lot.member_id = $1 AND lot.save_point_member_id = change.lot AND lot.save_point_member_id = ANY ($13::bigint[])
			AND lot.remaining = 0 AND change.seen = 0
		RETURNING 1
	), cancelled AS (
		INSERT INTO money.point_cancel (member_id, cancel_point_member_id, save_point_member_id, policy, asked, taken, expired, uncollected)
		SELECT $1, point_member_id, $10::bigint, $16::text, $17::bigint, $18::bigint, $19::bigint, $20::bigint FROM moved WHERE $17::bigint > 0
	), claimed AS (
		UPDATE money.point_cancel SET collected = collected - $2
		WHERE member_id = $1 AND cancel_point_member_id = $21::bigint
	), account AS (
		UPDATE money.point_account SET owed = owed + $22::bigint WHERE member_id = $1 AND $22::bigint <> 0
	)
	SELECT point_member_id, (SELECT count(*) FROM open) + (SELECT count(*) FROM empty) FROM moved`

// queue adds d to batch. Its result is d.id, or frame.ErrMoved.
func (l *Lots) queue(batch *pgx.Batch, d *draft) {
	lots, points := columnsOf(d.parts, func(p part) (int64, int64) { return p.lot, p.point })
	changed, by := columnsOf(d.changes, func(c change) (int64, int64) { return c.lot, c.point })
	seen, _ := columnsOf(d.changes, func(c change) (int64, int64) { return c.seen, 0 })
	cancel := d.cancel
	if cancel == nil {
		cancel = &cancelRow{}
	}
	args := []any{
		d.member, d.point, d.key, d.reason, d.memo, l.location.String(), d.status, d.typeCode, d.ref, d.undo,
		lots, points, changed, by, seen, cancel.policy, cancel.asked, cancel.taken, cancel.expired, cancel.uncollected,
		d.claim, d.owed,
	}
	batch.Queue(writeSQL, args...).QueryRow(func(row pgx.Row) error {
		var updated int
		if err := row.Scan(&d.id, &updated); err != nil {
			return err
		}
		if updated != len(d.changes) {
			return frame.ErrMoved
		}
		return nil
	})
}

// columnsOf returns two columns of rows, as unnest takes them.
func columnsOf[T any](rows []T, fields func(T) (int64, int64)) (a, b []int64) {
	a, b = make([]int64, len(rows)), make([]int64, len(rows))
	for n, row := range rows {
		a[n], b[n] = fields(row)
	}
	return a, b
}

// write writes drafts in their order, in one round trip. Error: frame.ErrMoved.
func (l *Lots) write(ctx context.Context, tx pgx.Tx, drafts ...*draft) error {
	if len(drafts) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, d := range drafts {
		l.queue(batch, d)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write movements: %w", err)
	}
	return failpoint.Hit(ctx, failpoint.MoneyMovementWritten)
}
