package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Session is a session of the server for which others wait.
type Session struct {
	PID         int // 0: a prepared transaction, which belongs to no session
	Application string
	User        string
	Began       *time.Time // its transaction; nil where we may not see it
	Idle        bool       // it is idle in its transaction
	Holds       []string   // tables, by name
}

// String says which session it is, what it holds and how to end it.
func (s Session) String() string {
	if s.PID == 0 {
		return "a prepared transaction (pg_prepared_xacts lists it: COMMIT PREPARED or ROLLBACK PREPARED ends it)"
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "session %d of PostgreSQL", s.PID)
	if s.Application != "" {
		fmt.Fprintf(b, " (%s, user %s)", s.Application, s.User)
	} else if s.User != "" {
		fmt.Fprintf(b, " (user %s)", s.User)
	}
	if s.Began != nil {
		fmt.Fprintf(b, ", in a transaction since %s", s.Began.UTC().Format(time.RFC3339))
	}
	if s.Idle {
		b.WriteString(", idle")
	}
	if len(s.Holds) > 0 {
		fmt.Fprintf(b, ", with locks on %s", strings.Join(s.Holds, ", "))
	}
	fmt.Fprintf(b, ": end that transaction, or run SELECT pg_terminate_backend(%d)", s.PID)
	return b.String()
}

// A statement that waits for a lock for waitsLong counts as held up. Claims of one event wait for each other, but not
// so long.
const waitsLong = 2 * time.Second

// isOurs is the condition that a session a belongs to the product.
const isOurs = `(a.application_name = current_setting('application_name') OR a.application_name LIKE 'bestow%')`

// Blockers returns the sessions for which sessions of the product wait that have waited for a while, and those that
// hold a table so that it cannot be read. A session that itself waits for another is not among them, but that other one
// is.
func Blockers(ctx context.Context, tx pgx.Tx) ([]Session, error) {
	const roots = `SELECT unnest(pg_blocking_pids(a.pid)) FROM pg_stat_activity a
			WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
			AND a.query_start < clock_timestamp() - $1::interval
			  AND ` + isOurs + `
		UNION
		SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
			JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
			AND c.relnamespace::regnamespace::text NOT LIKE 'pg\_%'
			JOIN pg_stat_activity a ON a.pid = l.pid AND coalesce(a.xact_start < clock_timestamp() - $1::interval, true)
			WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()`
	return selectSessions(ctx, tx, roots, waitsLong)
}

// blockersOf returns the sessions for which one session waits.
func blockersOf(ctx context.Context, tx pgx.Tx, pid uint32) ([]Session, error) {
	return selectSessions(ctx, tx, `SELECT unnest(pg_blocking_pids($1))`, pid)
}

// selectSessions reads the sessions of a query of their pids, or those that they wait for.
func selectSessions(ctx context.Context, tx pgx.Tx, pids string, arg any) ([]Session, error) {
	query := `WITH RECURSIVE chain (pid) AS (
			SELECT first.pid FROM (` + pids + `) first (pid)
			UNION SELECT next.pid FROM chain CROSS JOIN LATERAL unnest(pg_blocking_pids(chain.pid)) next (pid))
		SELECT chain.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), a.xact_start,
			coalesce(a.state LIKE 'idle in transaction%', false),
			ARRAY(SELECT DISTINCT c.relname::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
			      AND c.relkind IN ('r', 'p')
				WHERE l.pid = chain.pid AND l.granted AND l.mode <> 'AccessShareLock' ORDER BY 1 LIMIT 3)
		FROM chain LEFT JOIN pg_stat_activity a ON a.pid = chain.pid
		WHERE cardinality(pg_blocking_pids(chain.pid)) = 0
		  AND (a.wait_event_type = 'Lock' AND ` + isOurs + `) IS NOT TRUE -- it began to wait while we looked
		ORDER BY a.xact_start NULLS LAST, chain.pid LIMIT 5`
	rows, err := tx.Query(ctx, query, arg)
	if err != nil {
		return nil, fmt.Errorf("read blocking sessions: %w", err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("read blocking sessions: %w", err)
	}
	return sessions, nil
}

// BlockedError is returned for a lock that was not free in time.
type BlockedError struct {
	By  []Session // that held it; empty where that was not found out
	err error
}

// Error names the sessions.
func (e *BlockedError) Error() string {
	if len(e.By) == 0 {
		return "a lock in PostgreSQL was not free in time: " + e.err.Error()
	}
	return "a lock in PostgreSQL was not free in time: it is held by " + Sessions(e.By)
}

// Unwrap returns PostgreSQL's error, which is that of [LockTimedOut].
func (e *BlockedError) Unwrap() error { return e.err }

// Sessions describes the sessions, and says how to end each.
func Sessions(all []Session) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = s.String()
	}
	return strings.Join(texts, "; ")
}

// ReadWait is the time that what people look at waits for a lock of another session, before it says whose that is.
const ReadWait = 2 * time.Second

// LimitLocks lets the statements of tx that follow wait for a lock for at most the limit; see [LockTimedOut].
func LimitLocks(ctx context.Context, tx pgx.Tx, limit time.Duration) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`,
		fmt.Sprint(limit.Milliseconds())); err != nil {
		return fmt.Errorf("limit lock: %w", err)
	}
	return nil
}

// InTxWithin is InTx for a transaction of which no statement waits longer than the limit for a lock. Error:
// [BlockedError], with the sessions that were waited for.
func InTxWithin(ctx context.Context, pool *pgxpool.Pool, limit time.Duration, fn func(pgx.Tx) error) error {
	return inTxWithin(ctx, beginner{pool: pool}, limit, fn)
}

func inTxWithin(ctx context.Context, b beginner, limit time.Duration, fn func(pgx.Tx) error) error {
	var by []Session
	err := inTx(ctx, b, func(tx pgx.Tx) error {
		if err := LimitLocks(ctx, tx, limit); err != nil {
			return err
		}
		w := watchWaits(ctx, b.pool, tx.Conn().PgConn().PID(), min(limit/2, time.Second))
		err := fn(tx)
		by = w.stop()
		return err
	})
	if !LockTimedOut(err) {
		return err
	}
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		return blocked
	}
	return &BlockedError{By: by, err: err}
}

// ValueWithin is InTxWithin for a function with a result.
func ValueWithin[T any](ctx context.Context, pool *pgxpool.Pool, limit time.Duration,
	fn func(pgx.Tx) (T, error),
) (v T, err error) {
	err = InTxWithin(ctx, pool, limit, func(tx pgx.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// SnapshotWithin is ValueWithin for a function whose statements are to see the database at one moment. It must only
// read. The transaction is not READ ONLY, so that the function can find out whether the server is.
func SnapshotWithin[T any](ctx context.Context, pool *pgxpool.Pool, limit time.Duration,
	fn func(pgx.Tx) (T, error),
) (v T, err error) {
	b := beginner{pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}}
	err = inTxWithin(ctx, b, limit, func(tx pgx.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// waitWatch notes, by another session, what a session waits for: afterwards the server does not know it any more.
type waitWatch struct {
	timer *time.Timer
	end   context.CancelFunc
	done  chan struct{}
	by    []Session // written before done is closed
}

// watchWaits looks regularly, and first after a while: most transactions are over by then and cost only a timer.
func watchWaits(ctx context.Context, pool *pgxpool.Pool, pid uint32, every time.Duration) *waitWatch {
	ctx, end := context.WithCancel(ctx)
	w := &waitWatch{end: end, done: make(chan struct{})}
	w.timer = time.AfterFunc(every, func() {
		defer close(w.done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			by, err := Value(ctx, pool, func(tx pgx.Tx) ([]Session, error) { return blockersOf(ctx, tx, pid) })
			if err == nil && len(by) > 0 {
				w.by = by
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return w
}

// stop ends the watch and returns what was waited for last.
func (w *waitWatch) stop() []Session {
	defer w.end()
	if w.timer.Stop() {
		return nil
	}
	w.end()
	<-w.done
	return w.by
}
