package pg

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tries is how often a transaction is begun before its serialization failure or deadlock is the caller's.
const tries = 5

// InTx runs fn in a READ COMMITTED transaction, and the whole of it again, up to five times with jitter, after a
// deadlock (40P01) or a serialization failure (40001). Commit's error is its result: whether such a transaction is
// committed is then unknown, and the caller reads again by natural key.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	var err error
	for i := range tries {
		if err = pgx.BeginFunc(ctx, pool, fn); !Retryable(err) {
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

// Value is InTx for a function with a result.
func Value[T any](ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) (T, error)) (v T, err error) {
	err = InTx(ctx, pool, func(tx pgx.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// Retryable says whether err is a deadlock or a serialization failure, after which the whole transaction may run again.
func Retryable(err error) bool {
	switch Code(err) {
	case "40001", "40P01":
		return true
	}
	return false
}

// Code is the SQLSTATE of err, "" if PostgreSQL did not answer with one.
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Refused says whether the server does not want us: there is no such database, user or password. To ask again is no use.
func Refused(err error) bool {
	switch Code(err) {
	case "3D000", "28P01", "28000":
		return true
	}
	return false
}

// Violates says whether err is the violation of the named constraint.
func Violates(err error, constraint string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.ConstraintName == constraint
}
