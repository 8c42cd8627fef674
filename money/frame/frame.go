package frame

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrMoved sends a movement back to its beginning: the expiry job was quicker. Nothing of it was kept.
var ErrMoved = errors.New("a lot has changed since it was read")

// beginnings says how often a movement begins anew before ErrBusy.
const beginnings = 5

// movementKey is the constraint that a key belongs to one movement.
const movementKey = "point_member_idempotency_key"

// voucherEventKey is the same of an event of a voucher.
const voucherEventKey = "voucher_events_idempotency_key"

// Run runs fn in the frame of every movement but a save: one transaction that ends before deadline, and begins anew as
// [Anew] says. fn reports whether it wrote anything: a replay needs no deadline.
func Run[T any](ctx context.Context, pool *pgxpool.Pool, deadline time.Time,
	fn func(pgx.Tx) (v T, wrote bool, err error),
) (T, error) {
	v, err := Anew(ctx, pool, func(tx pgx.Tx) (T, error) {
		v, wrote, err := fn(tx)
		if err == nil && wrote {
			_, err = EndBefore(ctx, tx, deadline)
		}
		return v, err
	})
	return v, AfterEnd(err)
}

// Anew runs fn in a transaction, and the whole of it again if the expiry job has changed a lot meanwhile, or another
// movement was first to write the key.
func Anew[T any](ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) (T, error)) (v T, err error) {
	for range beginnings {
		v, err = pg.Value(ctx, pool, fn)
		if !errors.Is(err, ErrMoved) && !pg.Violates(err, movementKey) && !pg.Violates(err, voucherEventKey) {
			return v, err
		}
	}
	if errors.Is(err, ErrMoved) {
		err = fmt.Errorf("%w: %w", money.ErrBusy, err)
	}
	return v, err // a key that is taken each time and is never found is no rush, but a fault
}

// EndBefore is the last statement of a transaction that may only commit before deadline; it returns the time at which
// the transaction began. A process that is held up between this statement and COMMIT finds its session ended: from here
// on PostgreSQL waits for the next statement no longer than until deadline. Error: ErrDeadline.
func EndBefore(ctx context.Context, tx pgx.Tx, deadline time.Time) (now time.Time, err error) {
	const query = `SELECT now(), clock_timestamp() < $1, set_config('idle_in_transaction_session_timeout', least(greatest(
		floor(extract(epoch FROM $1::timestamptz - clock_timestamp()) * 1000), 1), 2147483647)::int::text, true)`
	var inTime bool
	if err := tx.QueryRow(ctx, query, deadline).Scan(&now, &inTime, nil); err != nil {
		return now, fmt.Errorf("check deadline: %w", err)
	}
	if !inTime {
		return now, money.ErrDeadline
	}
	if err := failpoint.Hit(ctx, failpoint.MoneyBeforeCommit); err != nil {
		return now, err
	}
	return now, nil
}

// AfterEnd returns err, and ErrDeadline for the error of a session that EndBefore had PostgreSQL end.
func AfterEnd(err error) error {
	if pg.Code(err) == pg.IdleInTransaction {
		return money.ErrDeadline
	}
	return err
}
