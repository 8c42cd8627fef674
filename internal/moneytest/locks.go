package moneytest

import (
	"context"
	"sync"
	"testing"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Conflicts counts deadlocks and serialization failures, which pg.InTx would hide from a test.
type Conflicts struct {
	mu   sync.Mutex
	seen []error
}

// TraceQueryStart notes nothing.
func (*Conflicts) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd notes the conflict in which a statement ended.
func (c *Conflicts) TraceQueryEnd(_ context.Context, _ *pgx.Conn, end pgx.TraceQueryEndData) {
	if pg.Retryable(end.Err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen = append(c.seen, end.Err)
	}
}

// Traced is a Bundle on a pool whose Conflicts are counted.
func Traced(t *testing.T, b Bundle) (Bundle, *Conflicts) {
	t.Helper()
	c := &Conflicts{}
	config := b.Pool.Config()
	config.ConnConfig.Tracer = c
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.Pool, b.Config.Pool = pool, pool
	b.Ledger = NewLedger(t, b.Config)
	return b, c
}

// WaitForLock returns when a session waits for another one's transaction.
func WaitForLock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	require.Eventually(t, func() bool {
		return Scan[int](t, pool, `SELECT count(*) FROM pg_locks WHERE NOT granted
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`) > 0
	}, 20*time.Second, 5*time.Millisecond)
}

// Seen returns the conflicts so far.
func (c *Conflicts) Seen() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}
