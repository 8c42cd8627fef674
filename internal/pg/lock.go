package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Space separates the advisory locks of the house from each other.
type Space int64

// The spaces. Each lock is one id of one space; a collision with a foreign lock costs time, never correctness.
const (
	Gate   Space = iota // an event's gate: exclusive to change its status, shared to claim or mark
	Import              // an event's import: one at a time
	IDs                 // a sequence from which a block of ids is reserved
)

func (s Space) key(id int64) int64 { return id<<3 | int64(s) }

// Lock takes the lock of id exclusively until tx ends.
func Lock(ctx context.Context, tx pgx.Tx, s Space, id int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, s.key(id)); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	return nil
}

// LockShared takes the lock of id together with others who do, until tx ends.
func LockShared(ctx context.Context, tx pgx.Tx, s Space, id int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, s.key(id)); err != nil {
		return fmt.Errorf("take shared lock: %w", err)
	}
	return nil
}

// TryLock takes the lock of id exclusively until tx ends, unless somebody holds it.
func TryLock(ctx context.Context, tx pgx.Tx, s Space, id int64) (free bool, err error) {
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, s.key(id)).Scan(&free); err != nil {
		return false, fmt.Errorf("try lock: %w", err)
	}
	return free, nil
}
