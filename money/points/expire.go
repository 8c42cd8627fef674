package points

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Listed holds what one call of ListDue did.
type Listed struct {
	Lots int64
	More bool // there is more to list as soon as the list is worked
}

// listChunk says how many lots ListDue lists at once, and how many entries the list may have before no more are added.
// A hundred thousand are listed in less than a second, and are worked in a few.
const listChunk = 100_000

// listSQL lists in the order of the members, so that a chunk touches each page once. An index scan in that order would
// read every open lot there is: listPlanSQL rules it out. What stops at $3 goes on where the lots are open that are
// listed next: those that were listed first have expired by then.
const (
	listPlanSQL = `SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = off`
	listSQL     = `INSERT INTO money.point_due (member_id, save_point_member_id)
		SELECT member_id, save_point_member_id FROM (
			SELECT member_id, save_point_member_id FROM money.point_lot
			WHERE expiry_at > $1 AND expiry_at <= $2 AND remaining > 0 LIMIT $3) due
		ORDER BY member_id, save_point_member_id`
)

// ListDue writes down lots that have run out, for ExpireDue: at most 100,000, of a window of at most a day. It does
// nothing while another process lists, or while the list is that long. Each window begins a day before the last one
// ended, since a save may be committed after its expiry was swept. Listing a lot twice does no harm.
func (l *Lots) ListDue(ctx context.Context) (Listed, error) {
	listed, err := pg.Value(ctx, l.pool, func(tx pgx.Tx) (Listed, error) { return l.listDue(ctx, tx) })
	if err != nil {
		return Listed{}, fmt.Errorf("list due lots: %w", err)
	}
	return listed, nil
}

func (l *Lots) listDue(ctx context.Context, tx pgx.Tx) (done Listed, err error) {
	const look = `SELECT EXISTS (SELECT FROM money.point_due OFFSET $1), swept_until - interval '1 day',
			least(now(), swept_until + interval '1 day'), swept_until + interval '1 day' < now()
		FROM money.point_sweep FOR UPDATE SKIP LOCKED`
	var long bool
	var from, until time.Time
	err = tx.QueryRow(ctx, look, l.listChunk-1).Scan(&long, &from, &until, &done.More)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && long:
		return Listed{}, nil
	case err != nil:
		return done, fmt.Errorf("lock sweep: %w", err)
	}
	if _, err := tx.Exec(ctx, listPlanSQL); err != nil {
		return done, fmt.Errorf("set up list: %w", err)
	}
	inserted, err := tx.Exec(ctx, listSQL, from, until, l.listChunk)
	if err != nil {
		return done, fmt.Errorf("write list: %w", err)
	}
	done.Lots = inserted.RowsAffected()
	if done.Lots == int64(l.listChunk) { // the window may have more
		done.More = true
	} else if _, err := tx.Exec(ctx, `UPDATE money.point_sweep SET swept_until = $1`, until); err != nil {
		return done, fmt.Errorf("move sweep on: %w", err)
	}
	return done, failpoint.Hit(ctx, failpoint.MoneyExpireListed)
}

// ExpiredLots holds what one call of ExpireDue did.
type ExpiredLots struct {
	Due    int   // entries of the list that were looked at; 0: the list is empty
	Left   int   // of them still on the list: a movement held the lot
	Lots   int   // lots that expired
	Points int64 // what they had left
}

// dueChunk says how many entries of the list ExpireDue works at once.
const dueChunk = 1000

// ExpireDue expires one chunk of the list, at most 1,000 lots, in one transaction. It never waits for a movement: a lot
// that one holds stays on the list.
func (l *Lots) ExpireDue(ctx context.Context) (ExpiredLots, error) {
	done, err := pg.Value(ctx, l.pool, func(tx pgx.Tx) (ExpiredLots, error) { return l.expireDue(ctx, tx) })
	if err != nil {
		return ExpiredLots{}, fmt.Errorf("expire lots: %w", err)
	}
	return done, nil
}

// due is a chunk of the list, and what of it was locked.
type due struct {
	ids     []int64
	members []string // of the lots that were locked
	lots    []int64
	points  []int64
}

func (l *Lots) expireDue(ctx context.Context, tx pgx.Tx) (done ExpiredLots, err error) {
	// Statistics know nothing of a list: no join may read a table for it.
	const probe = `SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off`
	if _, err := tx.Exec(ctx, probe); err != nil {
		return done, fmt.Errorf("set up chunk: %w", err)
	}
	chunk, err := lockDue(ctx, tx)
	if err != nil {
		return done, err
	}
	if err := l.writeExpired(ctx, tx, chunk); err != nil {
		return done, err
	}
	const forget = `DELETE FROM money.point_due d WHERE due_id = ANY ($1::bigint[]) AND NOT EXISTS (
		SELECT FROM money.point_lot WHERE member_id = d.member_id AND save_point_member_id = d.save_point_member_id AND remaining > 0)`
	gone, err := tx.Exec(ctx, forget, chunk.ids)
	if err != nil {
		return done, fmt.Errorf("shorten list: %w", err)
	}
	done = ExpiredLots{Due: len(chunk.ids), Left: len(chunk.ids) - int(gone.RowsAffected()), Lots: len(chunk.lots)}
	for _, point := range chunk.points {
		done.Points = saturating(done.Points, point)
	}
	return done, failpoint.Hit(ctx, failpoint.MoneyExpireChunk)
}

// lockDue reads a chunk of the list and locks those of its lots that no movement holds.
func lockDue(ctx context.Context, tx pgx.Tx) (chunk due, err error) {
	const list = `SELECT due_id FROM money.point_due ORDER BY due_id LIMIT $1`
	rows, err := tx.Query(ctx, list, dueChunk)
	if err != nil {
		return chunk, fmt.Errorf("read list: %w", err)
	}
	if chunk.ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return chunk, fmt.Errorf("read list: %w", err)
	}
	const lock = `SELECT d.member_id, d.save_point_member_id, lot.remaining
		FROM (SELECT DISTINCT member_id, save_point_member_id FROM money.point_due WHERE due_id = ANY ($1::bigint[])
			ORDER BY member_id, save_point_member_id) d
		CROSS JOIN LATERAL (
			SELECT remaining FROM money.point_lot
			WHERE member_id = d.member_id AND save_point_member_id = d.save_point_member_id AND remaining > 0 AND expiry_at <= now()
			FOR UPDATE SKIP LOCKED) lot`
	if rows, err = tx.Query(ctx, lock, chunk.ids); err != nil {
		return chunk, fmt.Errorf("lock lots: %w", err)
	}
	var member string
	var id, point int64
	_, err = pgx.ForEachRow(rows, []any{&member, &id, &point}, func() error {
		chunk.members, chunk.lots, chunk.points = append(chunk.members, member), append(chunk.lots,
			id), append(chunk.points, point)
		return nil
	})
	if err != nil {
		return chunk, fmt.Errorf("lock lots: %w", err)
	}
	return chunk, nil
}

// expireType is the point_type_code of what expires.
const expireType = "EXP"

// writeExpired writes a movement for each lot that is locked, and takes from it what it has left.
func (l *Lots) writeExpired(ctx context.Context, tx pgx.Tx, chunk due) error {
	if len(chunk.lots) == 0 {
		return nil
	}
	const write = `WITH due AS MATERIALIZED (
			SELECT member_id, lot, point, n
			FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY due (member_id, lot, point, n)
		), moved AS (
			INSERT INTO money.point_member (member_id, point, idempotency_key, created_at, issue_date, expiry_date,
				point_status_code, point_type_code, ref_unique_id)
			SELECT member_id, -point, 'expire:P' || lot, now(), (SELECT to_char(now() AT TIME ZONE $4, 'YYYYMMDD')), '99991231', 'E', $5, 'P' || lot
			FROM due ORDER BY n
			RETURNING point_member_id, member_id, point, substr(ref_unique_id, 2)::bigint AS lot
		), drawn AS (
			INSERT INTO money.point_draw (point_member_id, save_point_member_id, point, created_at, member_id, point_status_code)
			SELECT point_member_id, lot, point, now(), member_id, 'E' FROM moved
		), emptied AS (
			UPDATE money.point_lot lot SET remaining = 0 FROM due
			WHERE lot.member_id = due.member_id AND lot.save_point_member_id = due.lot AND lot.remaining > 0 AND lot.remaining = due.point
			RETURNING 1
		)
		SELECT count(*) FROM emptied`
	var emptied int
	err := tx.QueryRow(ctx, write, chunk.members, chunk.lots, chunk.points, l.location.String(),
		expireType).Scan(&emptied)
	if err != nil {
		return fmt.Errorf("write expiry: %w", err)
	}
	if emptied != len(chunk.lots) {
		return fmt.Errorf("write expiry: %d of %d lots had what was read under their lock", emptied, len(chunk.lots))
	}
	return nil
}

// ExpiryBehind returns how long ago the points ran out that wait longest to expire. They are at the head of the list,
// which has the oldest first but for the window of one ListDue; with an empty list they are those that it lists next.
func (l *Lots) ExpiryBehind(ctx context.Context) (time.Duration, error) {
	var seconds float64
	const query = `SELECT greatest(extract(epoch FROM now() - least(swept_until, (
			SELECT min(lot.expiry_at)
			FROM (SELECT member_id, save_point_member_id FROM money.point_due ORDER BY due_id LIMIT $1) listed
			JOIN money.point_lot lot USING (member_id, save_point_member_id)
			WHERE lot.remaining > 0))), 0)::float8
		FROM money.point_sweep`
	if err := l.pool.QueryRow(ctx, query, behindLook).Scan(&seconds); err != nil {
		return 0, fmt.Errorf("read how far lots have expired: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// behindLook is how many entries at the head of the list ExpiryBehind looks at: some may have nothing left.
const behindLook = 100
