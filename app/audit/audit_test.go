package audit

import (
	"sync"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func record(t *testing.T, tx pgx.Tx, object string) {
	t.Helper()
	require.NoError(t, command.Record(t.Context(), tx, command.Caller{Actor: "kim"},
		command.Change{Action: "test", Object: object}))
}

func count(t *testing.T, pool *pgxpool.Pool, query string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// Every row is linked once, whatever the number of processes, and one whose transaction ends late is linked late: no
// change waits for another.
func TestLinkEachOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	late, err := pool.Begin(t.Context())
	require.NoError(t, err)
	record(t, late, "late")
	require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		for range linkBatch + 1 {
			record(t, tx, "early")
		}
		return nil
	}))
	var linkers sync.WaitGroup
	for range 3 {
		linkers.Go(func() {
			if err := a.Link(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	linkers.Wait()
	require.Equal(t, linkBatch+1, count(t, pool, `SELECT count(*) FROM audit_chain`))
	require.NoError(t, late.Commit(t.Context()))
	require.NoError(t, a.Link(t.Context()))
	require.Equal(t, linkBatch+2, count(t, pool, `SELECT max(position) FROM audit_chain`))
	require.Equal(t, 1, count(t, pool, `SELECT audit_id FROM audit_chain ORDER BY position DESC LIMIT 1`))
}

// A row whose transaction ended very late is linked by a sweep, so that each look costs the newest rows only.
func TestSweep(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	a.window = 3
	late, err := pool.Begin(t.Context())
	require.NoError(t, err)
	record(t, late, "late")
	require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		for range 5 {
			record(t, tx, "early")
		}
		return nil
	}))
	require.NoError(t, a.Link(t.Context()))
	require.NoError(t, late.Commit(t.Context()))
	require.NoError(t, a.Link(t.Context()))
	require.Equal(t, 5, count(t, pool, `SELECT count(*) FROM audit_chain`), "it stands below the window")
	a.swept = time.Now().Add(-sweepEvery)
	require.NoError(t, a.Link(t.Context()))
	require.Equal(t, 6, count(t, pool, `SELECT count(*) FROM audit_chain`))
}

// The head is given out once a minute, and only if there is a new one.
func TestAnchor(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	require.NoError(t, a.Anchor(t.Context()), "of an empty chain there is none")
	for range 2 {
		require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { record(t, tx, "x"); return nil }))
		require.NoError(t, a.Link(t.Context()))
		require.NoError(t, a.Anchor(t.Context()))
	}
	require.Equal(t, 1, count(t, pool, `SELECT count(*) FROM audit_anchors`))
	_, err = pool.Exec(t.Context(), `INSERT INTO audit_anchors (position, hash, anchored_at)
		SELECT position, hash, '9999-01-01' FROM audit_chain ORDER BY position DESC LIMIT 1`)
	require.NoError(t, err)
	require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { record(t, tx, "x"); return nil }))
	require.NoError(t, a.Link(t.Context()))
	require.NoError(t, a.Anchor(t.Context()))
	require.Equal(t, 3, count(t, pool, `SELECT count(*) FROM audit_anchors`), "one of the future silences nothing")
}

// Nobody changes or deletes what was written, the owner of the tables neither: not by its rights, and not past them.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { record(t, tx, "x"); return nil }))
	require.NoError(t, a.Link(t.Context()))
	require.NoError(t, a.Anchor(t.Context()))
	for table, column := range map[string]string{"audit_log": "actor = 'lee'", "audit_chain": "hash = ''", "audit_anchors": "hash = ''"} {
		for _, change := range []string{"UPDATE " + table + " SET " + column, "DELETE FROM " + table, "TRUNCATE " + table} {
			_, err := pool.Exec(t.Context(), change)
			require.ErrorContains(t, err, "append-only", "the superuser of the tests, by a trigger: %s", change)
		}
		require.Zero(t, count(t, pool, `SELECT count(*) FROM pg_class, aclexplode(relacl) g WHERE oid = '`+table+`'::regclass
			AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')`), "the owner of %s, by its rights", table)
	}
}
