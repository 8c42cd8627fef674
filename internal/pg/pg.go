package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tries is the number of times that a transaction is run before its serialization failure or deadlock is returned.
const tries = 5

// ErrNotBegun says that no transaction was begun: nothing was written.
var ErrNotBegun = errors.New("no transaction was begun")

// InTx runs fn in a READ COMMITTED transaction, and the whole of it again, up to five times with jitter, after a
// deadlock (40P01) or a serialization failure (40001). Commit's error is its result: whether such a transaction is
// committed is then unknown, and the caller reads again by natural key. Error: ErrNotBegun.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	return inTx(ctx, beginner{pool: pool}, fn)
}

func inTx(ctx context.Context, b beginner, fn func(pgx.Tx) error) error {
	var err error
	for i := range tries {
		if err = pgx.BeginFunc(ctx, b, fn); !Retryable(err) {
			return err
		}
		wait := time.Duration(rand.Int64N(int64(10*time.Millisecond) << i))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
	return err
}

// beginner marks the errors of Begin: all others of a transaction may come from its COMMIT.
type beginner struct {
	pool    *pgxpool.Pool
	options pgx.TxOptions
}

// Begin is the pool's. Error: ErrNotBegun.
func (b beginner) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := b.pool.BeginTx(ctx, b.options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBegun, err)
	}
	return tx, nil
}

// Value is InTx for a function with a result.
func Value[T any](ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) (T, error)) (v T, err error) {
	err = InTx(ctx, pool, func(tx pgx.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// Querier is a transaction or a pool: where a statement that only reads may run.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
