package pg_test

import (
	"context"
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// demote makes a session one that can only read, as those of a server that was demoted are.
func demote(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	_, err := conn.Exec(t.Context(), `SET default_transaction_read_only = on`)
	require.NoError(t, err)
}

// acquire takes n sessions.
func acquire(t *testing.T, pool *pgxpool.Pool, n int) []*pgxpool.Conn {
	t.Helper()
	conns := make([]*pgxpool.Conn, n)
	for i := range conns {
		var err error
		conns[i], err = pool.Acquire(t.Context())
		require.NoError(t, err)
		t.Cleanup(conns[i].Release)
	}
	return conns
}

// The first statement that is refused after a failover ends all sessions: those of the pool, one that was taken from it
// to listen, though it began last, and one beside it. Those that come after are not ended by a second one that is
// refused (C11).
func TestSessionsOfBeforeAFailoverEnd(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.URL(t), pg.Options{MaxConns: 6})
	beside, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	require.NoError(t, err)
	demote(t, beside)
	conns := acquire(t, pool, 4)
	for _, c := range conns[:3] {
		demote(t, c.Conn())
	}
	listener := conns[3].Hijack()
	defer func() {
		for _, c := range conns[1:3] {
			c.Release() // the pool's Close waits for them, also where the test fails
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	heard := make(chan error, 1)
	go func() {
		_, err := listener.WaitForNotification(ctx)
		heard <- err
	}()
	conns[0].Release()
	_, err = beside.Exec(t.Context(), `CREATE TABLE t (n int)`)
	require.Equal(t, "25006", pg.Code(err))
	require.True(t, beside.IsClosed())
	require.Error(t, <-heard)
	require.NoError(t, ctx.Err(), "River would listen to it for ever")
	young, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	for _, c := range conns[1:3] {
		_, err = c.Exec(t.Context(), `CREATE TABLE t (n int)`)
		require.True(t, pg.Unavailable(err), "%v", err)
		c.Release()
	}
	_, err = young.Exec(t.Context(), `CREATE TABLE young (n int)`)
	require.NoError(t, err)
	young.Release()
	for range 6 {
		_, err = pool.Exec(t.Context(), `INSERT INTO young VALUES (1)`)
		require.NoError(t, err)
	}
}

// While a server can only read, no session of it is taken, but by who only reads; Writable says so, and that it can be
// written to again, though the pool's old sessions still cannot.
func TestWritable(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pool := open(t, address, pg.Options{MaxConns: 3})
	require.NoError(t, pg.Writable(t.Context(), pool))
	for _, c := range acquire(t, pool, 3) {
		demote(t, c.Conn())
		c.Release()
	}
	run(t, address, `ALTER DATABASE %s SET default_transaction_read_only = on`)
	err := pg.Writable(t.Context(), pool)
	require.ErrorIs(t, err, pg.ErrReadOnly)
	require.True(t, pg.Unavailable(err))
	require.False(t, pg.Refused(err), "it may be promoted")
	_, err = pg.Connect(t.Context(), address)
	require.ErrorIs(t, err, pg.ErrReadOnly)
	require.Equal(t, "on", setting(t, open(t, address, pg.Options{Standby: true}), "transaction_read_only"))

	run(t, address, `SET default_transaction_read_only = off`, `ALTER DATABASE %s RESET default_transaction_read_only`)
	require.NoError(t, pg.Writable(t.Context(), pool))
	for _, c := range acquire(t, pool, 3) {
		demote(t, c.Conn())
		c.Release()
	}
	require.NoError(t, pg.Writable(t.Context(), pool), "new sessions can write")
}

// Of several servers the one that can be written to is read, wherever it stands in the address; one that can only be
// read where there is no other.
func TestOpenToRead(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pool, err := pg.OpenToRead(t.Context(), address, pg.Options{})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.Equal(t, "off", setting(t, pool, "transaction_read_only"))
	run(t, address, `ALTER DATABASE %s SET default_transaction_read_only = on`)
	pool, err = pg.OpenToRead(t.Context(), address, pg.Options{})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.Equal(t, "on", setting(t, pool, "transaction_read_only"))
}
