package audit

import (
	"strings"
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

// Each filter narrows the list, alone and beside another, and the newest come first.
func TestFilters(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO audit_log (at, actor, action, event_id, object)
		SELECT '2026-01-01'::timestamptz + n * interval '1 day', (ARRAY['kim', 'lee'])[1 + n % 2],
			(ARRAY['event.start', 'event.stop', 'key.create'])[1 + n % 3], n % 4, 'event ' || n
		FROM generate_series(1, 24) n`)
	require.NoError(t, err)
	at := time.Date(2026, 1, 11, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what string
		f    Filter
		want []int64
	}{
		{"the newest", Filter{Limit: 3}, []int64{24, 23, 22}},
		{"the next page", Filter{Limit: 2, Before: 23}, []int64{22, 21}},
		{"who", Filter{Limit: 3, Actor: "lee"}, []int64{23, 21, 19}},
		{"one action", Filter{Limit: 3, Actions: []string{"key.create"}}, []int64{23, 20, 17}},
		{"some actions", Filter{Limit: 3, Actions: []string{"key.create", "event.stop"}}, []int64{23, 22, 20}},
		{"an action of a person", Filter{Limit: 9, Actions: []string{"key.create"}, Actor: "lee"}, []int64{23, 17, 11, 5}},
		{"an event", Filter{Limit: 2, EventID: 3}, []int64{23, 19}},
		{"a part of the object", Filter{Limit: 9, Object: "t 2"}, []int64{24, 23, 22, 21, 20, 2}},
		{"until", Filter{Limit: 2, Until: &at}, []int64{9, 8}},
		{"since", Filter{Limit: 9, Since: &at, Before: 13}, []int64{12, 11, 10}},
		{"nothing", Filter{Limit: 9, Actor: "kim", Object: "event 23"}, nil},
	} {
		entries, err := a.List(t.Context(), c.f)
		require.NoError(t, err)
		var ids []int64
		for _, e := range entries {
			ids = append(ids, e.ID)
		}
		require.Equal(t, c.want, ids, c.what)
	}
}

// Who did something and what was done are found by an index, whatever the number of changes.
func TestFiltersHaveAnIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO audit_log (actor, action, object)
		SELECT 'person-' || n % 50, 'action-' || n % 50, 'event ' || n FROM generate_series(1, 20000) n`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `VACUUM ANALYZE audit_log`)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		index string
		f     Filter
	}{
		"who":        {"audit_log_actor", Filter{Actor: "nobody"}},
		"one action": {"audit_log_action", Filter{Actions: []string{"none"}}},
		"an object":  {"audit_log_narrow", Filter{Object: "x"}},
	} {
		c.f.Limit = 51
		rows, err := pool.Query(t.Context(), `EXPLAIN `+entriesSQL, c.f.values()...)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), "Index Only Scan Backward using "+c.index, name)
	}
}

// The state of the chain is what was stored: its end, the head that was given out, and what the last report found.
func TestState(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	state := func() State {
		s, err := a.State(t.Context())
		require.NoError(t, err)
		return s
	}
	require.Equal(t, State{}, state())
	add := func() {
		require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { record(t, tx, "x"); return nil }))
	}
	add()
	require.Equal(t, State{Waiting: 1}, state())
	require.NoError(t, a.Link(t.Context()))
	require.NoError(t, a.Anchor(t.Context()))
	add()
	s := state()
	require.EqualValues(t, 1, s.Links)
	require.Len(t, s.Hash, 32)
	require.Equal(t, 1, s.Waiting)
	require.EqualValues(t, 1, s.GivenOut.Position)
	require.Nil(t, s.Check)

	_, err = pool.Exec(t.Context(), `INSERT INTO campaign_events (campaign_id, event_type, total_count, total_amount, created_by)
		VALUES ('spring', 'POINT', 0, 0, 'kim')`)
	require.NoError(t, err)
	for _, c := range []struct {
		invariant string
		want      *Check
	}{
		{`{"id": "I28", "ok": true, "checked": true}`, &Check{Whole: true, EventID: 1}},
		{`{"id": "I28", "ok": false, "checked": true}`, &Check{EventID: 1}},
		{`{"id": "I28", "ok": true, "checked": false}`, &Check{EventID: 1}},
		{`{"id": "I1", "ok": true, "checked": true}`, &Check{EventID: 1}},
		{`{"id": "I28", "ok": true, "checked": true}`, &Check{Whole: true, EventID: 1}},
	} {
		_, err = pool.Exec(t.Context(), `INSERT INTO verify_reports (event_id, ok, report, checked_at, checked_by)
			VALUES (1, true, $1, '2026-03-19Z', 'kim')`, `{"invariants": [`+c.invariant+`]}`)
		require.NoError(t, err)
		got := state().Check
		if got != nil {
			require.True(t, time.Date(2026, 3, 19, 0, 0, 0, 0, time.UTC).Equal(got.At))
			got.At = time.Time{}
		}
		require.Equal(t, c.want, got, c.invariant)
	}
}
