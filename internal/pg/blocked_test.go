package pg_test

import (
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// visitor is a session that is not ours, in a transaction that has run a statement.
func visitor(t *testing.T, address, name, statement string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), with(t, address, "application_name="+name))
	require.NoError(t, err)
	for _, s := range []string{`BEGIN`, statement} {
		_, err := conn.Exec(t.Context(), s)
		require.NoError(t, err)
	}
	return conn
}

// C7: a transaction that may not wait long for a lock says who held it, and how to end that. Where a session waits for
// one that waits itself, the last one is named.
func TestInTxWithin(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	run(t, address, `CREATE TABLE t (n int PRIMARY KEY)`, `INSERT INTO t VALUES (1), (2)`)
	pool := open(t, address, pg.Options{MaxConns: 4})
	update := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE t SET n = n WHERE n = 1`)
		return err
	}
	require.NoError(t, pg.InTxWithin(t.Context(), pool, 300*time.Millisecond, update))

	first := visitor(t, address, "psql", `SELECT FROM t WHERE n = 2 FOR UPDATE`)
	second := visitor(t, address, "theirs", `SELECT FROM t WHERE n = 1 FOR UPDATE`)
	waits := make(chan error, 1)
	go func() {
		_, err := second.Exec(t.Context(), `SELECT FROM t WHERE n = 2 FOR UPDATE`)
		waits <- err
	}()
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t,
			pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
			AND application_name = 'theirs' AND datname = current_database()`).Scan(&n))
		return n == 1
	}, 10*time.Second, 10*time.Millisecond)
	err := pg.InTxWithin(t.Context(), pool, 600*time.Millisecond, update)
	blocked := &pg.BlockedError{}
	require.ErrorAs(t, err, &blocked)
	require.True(t, pg.LockTimedOut(err))
	require.True(t, pg.Unavailable(err))
	require.Len(t, blocked.By, 1, "%v", err)
	require.Equal(t, "psql", blocked.By[0].Application)
	require.Equal(t, []string{"t"}, blocked.By[0].Holds)
	require.Regexp(t, `it is held by session \d+ of PostgreSQL \(psql, user .*\), in a transaction since 2.*Z, idle, `+
		`with locks on t: end that transaction, or run SELECT pg_terminate_backend\(\d+\)$`, err.Error())

	require.NoError(t, first.Close(t.Context()))
	require.NoError(t, <-waits)
	require.NoError(t, second.Close(t.Context()))
	require.NoError(t, pg.InTxWithin(t.Context(), pool, 10*time.Second, update))
}

// C2: a session that holds up one of ours is found from anywhere, and one that keeps a table from being read, also
// while no one waits for it. A prepared transaction belongs to no session.
func TestBlockers(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	run(t, address, `CREATE TABLE t (n int)`, `CREATE TABLE u (n int)`, `INSERT INTO u VALUES (1)`)
	pool := open(t, address, pg.Options{MaxConns: 4})
	blockers := func() []pg.Session {
		found, err := pg.Value(t.Context(), pool,
			func(tx pgx.Tx) ([]pg.Session, error) { return pg.Blockers(t.Context(), tx) })
		require.NoError(t, err)
		return found
	}
	require.Empty(t, blockers())
	began := time.Now()
	locker := visitor(t, address, "migration", `LOCK TABLE t IN ACCESS EXCLUSIVE MODE`)
	holder := visitor(t, address, "psql", `UPDATE u SET n = 2`)
	if found := blockers(); time.Since(began) < 2*time.Second { // else the machine was too slow to see it
		require.Empty(t, found, "not yet: each migration does so for a moment")
	}
	waits := make(chan error, 1)
	go func() {
		_, err := pool.Exec(t.Context(), `UPDATE u SET n = 3`)
		waits <- err
	}()
	var found []pg.Session
	require.Eventually(t, func() bool { found = blockers(); return len(found) == 2 }, 20*time.Second,
		50*time.Millisecond)
	require.Equal(t, "migration", found[0].Application)
	require.Equal(t, []string{"t"}, found[0].Holds)
	require.Equal(t, "psql", found[1].Application)
	require.Equal(t, []string{"u"}, found[1].Holds)
	require.NoError(t, locker.Close(t.Context()))
	require.NoError(t, holder.Close(t.Context()))
	require.NoError(t, <-waits)
	require.Empty(t, blockers())
	require.Contains(t, pg.Session{}.String(), "a prepared transaction")
}
