package pg

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// watcher looks after the sessions of one address. All could write when they began. Where one is told that it can only
// read, its server has lost its role to another, and all sessions that are open are taken for sessions of that server:
// none of them is used again. That holds for those that are not the pool's any more, too, such as River's listener,
// which would listen for ever to a server that nothing is written to.
type watcher struct {
	plain   *pgconn.Config // without what is ours
	standby bool
	present *Presence   // nil: of no process
	pooler  atomic.Bool // one stands before the server, and keeps sessions apart

	lost atomic.Int64 // sessions up to this one are not used any more

	mu   sync.Mutex
	last int64 // the number of the newest session
	open []*pgconn.PgConn
}

// watch makes the sessions of c ours.
func watch(c *pgxpool.Config, o Options) {
	cc := &c.ConnConfig.Config
	w := &watcher{plain: cc.Copy(), standby: o.Standby, present: o.Presence}
	wanted, onError := cc.ValidateConnect, cc.OnPgError
	w.plain.ValidateConnect = nil
	cc.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := w.prepare(ctx, conn); err != nil {
			return err
		}
		if wanted != nil { // target_session_attrs
			if err := wanted(ctx, conn); err != nil {
				return err
			}
		}
		if w.present != nil {
			return w.present.enter(ctx, conn)
		}
		return nil
	}
	if o.Standby {
		return
	}
	cc.AfterConnect = func(_ context.Context, conn *pgconn.PgConn) error {
		w.begin(conn)
		return nil
	}
	cc.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code == ReadOnlyTransaction {
			w.lose(conn)
			return false
		}
		return onError(conn, err)
	}
	c.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		if number(conn.PgConn()) <= w.lost.Load() {
			return false, nil
		}
		return true, admits(ctx, conn.PgConn())
	}
}

// numberKey is the key of a session's number.
const numberKey = "bestow.session"

// number returns a session's number, 0 for one that has not begun yet.
func number(conn *pgconn.PgConn) int64 {
	n, _ := conn.CustomData()[numberKey].(int64)
	return n
}

// begin numbers a session and forgets those that have ended.
func (w *watcher) begin(conn *pgconn.PgConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = slices.DeleteFunc(w.open, func(c *pgconn.PgConn) bool {
		select {
		case <-c.CleanupDone():
			return true
		default:
			return false
		}
	})
	w.last++
	conn.CustomData()[numberKey] = w.last
	w.open = append(w.open, conn)
}

// lose ends all sessions, unless it did so since conn began. It closes only their sockets: other goroutines use the
// sessions, and notice.
func (w *watcher) lose(conn *pgconn.PgConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number(conn) <= w.lost.Load() {
		return
	}
	w.lost.Store(w.last)
	for _, c := range w.open {
		if c != conn {
			_ = c.Conn().Close() // it may be closed
		}
	}
	w.open = nil
}

// probeWrite fails with 25006 in a session that can only read, as a statement that writes would, and needs no table.
const probeWrite = `DO $$ BEGIN
	IF current_setting('transaction_read_only')::bool THEN
		RAISE read_only_sql_transaction USING MESSAGE = 'this session can only read'; END IF;
END $$`

// Writable returns nil while the database can be written to. A session of before a failover says nothing about that: it
// is given up, and a new one is asked.
func Writable(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, probeWrite)
	if Code(err) == ReadOnlyTransaction {
		_, err = pool.Exec(ctx, probeWrite)
	}
	return err
}
