package money

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// ErrBusy says that others changed the member's lots again and again meanwhile: nothing was applied, ask again.
var ErrBusy = errors.New("the member's lots changed meanwhile: nothing was applied")

// errLotsMoved sends a movement back to its beginning: the expiry job was quicker. Nothing of it was kept.
var errLotsMoved = errors.New("a lot has changed since it was read")

// beginnings is how often a movement begins anew before ErrBusy.
const beginnings = 5

// movementKey is the constraint that a key belongs to one movement.
const movementKey = "point_member_idempotency_key"

// voucherEventKey is the same of an event of a voucher.
const voucherEventKey = "voucher_events_idempotency_key"

// inFrame runs fn in the frame of every movement but a save: one transaction that ends before deadline, and begins anew as
// beginAnew says. fn reports whether it wrote anything: a replay needs no deadline.
func inFrame[T any](ctx context.Context, l *Ledger, deadline time.Time, fn func(pgx.Tx) (v T, wrote bool, err error)) (T, error) {
	v, err := beginAnew(ctx, l, func(tx pgx.Tx) (T, error) {
		v, wrote, err := fn(tx)
		if err == nil && wrote {
			_, err = endBefore(ctx, tx, deadline)
		}
		return v, err
	})
	if pg.Code(err) == idleTooLong {
		err = ErrDeadline
	}
	return v, err
}

// beginAnew runs fn in a transaction, and the whole of it again if the expiry job has changed a lot meanwhile, or another
// movement was first to write the key.
func beginAnew[T any](ctx context.Context, l *Ledger, fn func(pgx.Tx) (T, error)) (v T, err error) {
	for range beginnings {
		v, err = pg.Value(ctx, l.Pool, fn)
		if !errors.Is(err, errLotsMoved) && !pg.Violates(err, movementKey) && !pg.Violates(err, voucherEventKey) {
			return v, err
		}
	}
	if errors.Is(err, errLotsMoved) {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return v, err // a key that is taken each time and is never found is no rush, but a fault
}

// opening is what a movement of one member knows at its beginning, read under the member's lock.
type opening struct {
	owed  int64
	entry *movement // what stands under the key; nil for a new one
}

const lockSQL = `SELECT owed FROM money.point_account WHERE member_id = $1 FOR UPDATE`

// open locks the member and reads what stands under key, with whatever more reads. Each is a statement of its own, so that it
// sees what was committed before the lock was got, and all are one round trip.
func open(ctx context.Context, tx pgx.Tx, member, key string, more func(*pgx.Batch)) (o opening, err error) {
	for range 2 { // the second time after the account was made
		locked := false
		batch := &pgx.Batch{}
		batch.Queue(lockSQL, member).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&o.owed}, func() error { locked = true; return nil })
			return err
		})
		batch.Queue(findSQL, []string{key}).Query(func(rows pgx.Rows) error {
			found, err := collectMovements(rows)
			o.entry = found[key]
			return err
		})
		if more != nil {
			more(batch)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return o, fmt.Errorf("lock member: %w", err)
		}
		if locked {
			return o, failpoint.Hit(ctx, failpoint.MoneyAccountLocked)
		}
		const create = `INSERT INTO money.point_account (member_id) VALUES ($1) ON CONFLICT DO NOTHING`
		if _, err := tx.Exec(ctx, create, member); err != nil {
			return o, fmt.Errorf("make account: %w", err)
		}
	}
	return o, errors.New("lock member: the account that was made is not there")
}

// lockAccounts locks members, sorted and each once, in that order, and returns what they owe. Accounts that are missing are
// made first: made while others are locked, they would be locked out of order.
func lockAccounts(ctx context.Context, tx pgx.Tx, members []string) (map[string]int64, error) {
	if !slices.IsSorted(members) {
		return nil, errors.New("lock members: they are not sorted")
	}
	const create = `INSERT INTO money.point_account (member_id)
		SELECT member_id FROM unnest($1::text[]) WITH ORDINALITY m (member_id, n) ORDER BY n
		ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, create, members); err != nil {
		return nil, fmt.Errorf("make accounts: %w", err)
	}
	const lock = `SELECT m.member_id, a.owed FROM unnest($1::text[]) m (member_id)
		CROSS JOIN LATERAL (SELECT owed FROM money.point_account WHERE member_id = m.member_id FOR UPDATE) a`
	rows, err := tx.Query(ctx, lock, members)
	if err != nil {
		return nil, fmt.Errorf("lock members: %w", err)
	}
	owed := make(map[string]int64, len(members))
	var member string
	var debt int64
	_, err = pgx.ForEachRow(rows, []any{&member, &debt}, func() error {
		owed[member] = debt
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock members: %w", err)
	}
	return owed, failpoint.Hit(ctx, failpoint.MoneyAccountLocked)
}
