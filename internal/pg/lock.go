package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Space separates our advisory locks from each other.
type Space int64

// The spaces. Each lock is one id of one space; a collision with a foreign lock costs time, never correctness.
const (
	Gate          Space = iota // an event's gate: exclusive to change its status, shared to claim or mark
	Import                     // an event's import: exclusive to import, shared to exclude imports
	IDs                        // a sequence from which a block of ids is reserved
	Brake                      // Moves or Claims: exclusive for a brake with a committed row, shared to read that row
	ReportRequest              // an event's request for a report: exclusive to request one
	VoucherKeys                // some keys of vouchers: exclusive to grant or cancel first under one of them
	End                        // an event's import at its end: exclusive to commit the import, and to end it
	Chain                      // the chain of the audit, by the id 0: exclusive to link its rows
)

// The ids of the space [Brake]. A transaction that takes a brake's lock reads the brake's row in a later statement. If
// it got the lock first, the brake waits for it; if it gets the lock afterwards, it sees the row.
const (
	Moves  = 1 // of starts, resumes and redrives, which take it before the gate
	Claims = 2 // of claims, which take it after the gate: waiting for a gate must hold up no brake
)

func (s Space) key(id int64) int64 { return id<<3 | int64(s) }

// Lock takes the lock of id exclusively until tx ends.
func Lock(ctx context.Context, tx pgx.Tx, s Space, id int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, s.key(id)); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	return nil
}

// LockAll takes the locks of ids exclusively until tx ends, one after another. Give ids in one order everywhere.
func LockAll(ctx context.Context, tx pgx.Tx, s Space, ids []int64) error {
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = s.key(id)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) key`, keys); err != nil {
		return fmt.Errorf("take locks: %w", err)
	}
	return nil
}

// LockTimedOut reports whether err says that a lock was not free in time.
func LockTimedOut(err error) bool { return Code(err) == LockNotAvailable }

// LockShared takes the lock of id together with others who do, until tx ends.
func LockShared(ctx context.Context, tx pgx.Tx, s Space, id int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, s.key(id)); err != nil {
		return fmt.Errorf("take shared lock: %w", err)
	}
	return nil
}

// LockClaimShared takes the gate of an event and then [Claims], both shared, in one statement.
func LockClaimShared(ctx context.Context, tx pgx.Tx, eventID int64) error {
	const lock = `SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock_shared($2)`
	if _, err := tx.Exec(ctx, lock, Gate.key(eventID), Brake.key(Claims)); err != nil {
		return fmt.Errorf("take shared locks: %w", err)
	}
	return nil
}

// TryLock takes the lock of id exclusively until tx ends, unless another session holds it.
func TryLock(ctx context.Context, tx pgx.Tx, s Space, id int64) (free bool, err error) {
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, s.key(id)).Scan(&free); err != nil {
		return false, fmt.Errorf("try lock: %w", err)
	}
	return free, nil
}

// TryLockShared is TryLock together with others who do.
func TryLockShared(ctx context.Context, tx pgx.Tx, s Space, id int64) (free bool, err error) {
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock_shared($1)`, s.key(id)).Scan(&free); err != nil {
		return false, fmt.Errorf("try shared lock: %w", err)
	}
	return free, nil
}

// Locked returns the ids whose locks of a space are held exclusively at this moment. It is for people to look at, never
// to decide by.
func Locked(ctx context.Context, tx pgx.Tx, s Space) (map[int64]bool, error) {
	const query = `SELECT k >> 3 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		AND d.datname = current_database()
		CROSS JOIN LATERAL (SELECT l.classid::bigint << 32 | l.objid::bigint AS k) key
		WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ExclusiveLock' AND l.granted AND k & 7 = $1`
	rows, err := tx.Query(ctx, query, int64(s))
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	locked := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		locked[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	return locked, nil
}

// holder reads the backend with the application name $2 that holds the lock $1 exclusively.
const holder = `SELECT a.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
	AND d.datname = current_database()
	JOIN pg_stat_activity a ON a.pid = l.pid AND a.application_name = $2
	WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ExclusiveLock' AND l.granted
	  AND l.classid::bigint << 32 | l.objid::bigint = $1`

// EndHolder ends the backend with an application name that holds the lock of id exclusively, if it is the given one,
// and reports whether it was. One statement looks and signals: a session that gives the lock back is soon another's.
func EndHolder(
	ctx context.Context, tx pgx.Tx, s Space, id int64, application string, backend int,
) (ended bool, err error) {
	const signal = `SELECT pg_terminate_backend(pid) FROM (` + holder + `) held WHERE pid = $3`
	tag, err := tx.Exec(ctx, signal, s.key(id), application, backend)
	if err != nil {
		return false, fmt.Errorf("end holder of lock: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Holder returns the backend with an application name that holds the lock of id exclusively at this moment.
func Holder(ctx context.Context, tx pgx.Tx, s Space, id int64, application string) (backend int, held bool, err error) {
	err = tx.QueryRow(ctx, holder, s.key(id), application).Scan(&backend)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read holder of lock: %w", err)
	}
	return backend, true, nil
}
