package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"bestow/internal/embedpg"
	"bestow/internal/kafkatest"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// testServer is a prepared PostgreSQL of its own, of so many members.
func testServer(t *testing.T, members int) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-bench-*")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711)) // PostgreSQL, which does not run as root, passes through
	pg, err := embedpg.Start(t.Context(),
		embedpg.Options{Dir: filepath.Join(dir, "postgres"), Settings: map[string]string{"fsync": "off"}})
	require.NoError(t, err)
	t.Cleanup(pg.Kill)
	s, err := openServer(t.Context(), Config{
		AdminURL: pg.URL, Dir: dir, Members: members, RivalMembers: members, Rounds: 1, Rows: []string{RowRivals},
		Brokers: kafkatest.Brokers(t), Partitions: 4,
		Open: func(ctx context.Context, url string, n int) (*pgxpool.Pool, error) {
			return openOwn(ctx, url, int32(n))
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.close(context.Background()) })
	require.NoError(t, s.prepare(t.Context(), members))
	return s
}

// Each rival grants each member of its list once, and what is planted afterwards is found.
func TestRivals(t *testing.T) {
	t.Parallel()
	const members = 200
	s := testServer(t, members)
	for _, kind := range []string{Outbox, Jobs} {
		_, at, err := s.fresh(t.Context(), kind)
		require.NoError(t, err)
		pool, err := openOwn(t.Context(), at, 4)
		require.NoError(t, err)
		o := runOf{row: RowRivals, kind: kind, members: members}
		events, err := createEvents(t.Context(), pool, o)
		require.NoError(t, err)
		r, err := s.openRival(t.Context(), &arena{runOf: o, at: at, pool: pool, events: events})
		require.NoError(t, err)
		require.NoError(t, r.load(t.Context()))
		require.NoError(t, r.grant(t.Context()))
		again := rivalGrant{EventID: events[0].ID, TargetID: 1, MemberID: memberAt(0), Amount: amountAt(0)}
		require.NoError(t, r.handle(t.Context(), again), "the same message once more")
		require.NoError(t, r.stop())
		require.EqualValues(t, members, r.kafka.handled.Load(), kind)

		wrong, err := checkRival(t.Context(), pool, events[0].ID, members)
		require.NoError(t, err)
		require.Empty(t, wrong, kind)
		requireFinds(t, pool, events[0].ID, members)
		pool.Close()
	}
}

// requireFinds plants one mistake after another, and takes each back.
func requireFinds(t *testing.T, pool *pgxpool.Pool, event int64, members int) {
	t.Helper()
	const one = `(SELECT min(member_id) FROM point_targets)`
	for sql, found := range map[string]string{
		`DELETE FROM point_results WHERE member_id = ` +
			one: "results: 199, not 200",
		`DELETE FROM money.point_member WHERE ref_unique_id <> '0' AND member_id = ` +
			one: "grants in the ledger: 199, not 200",
		`UPDATE money.point_member SET point = point + 1 WHERE ref_unique_id <> '0' AND member_id = ` +
			one: "targets whose grant or result is missing or another: 1, not 0",
		`UPDATE point_targets SET publish_status = 'PENDING' WHERE member_id = ` +
			one: "targets: 199, not 200",
		`DELETE FROM money.point_lot d USING money.point_member m
			WHERE d.point_member_id = m.point_member_id AND m.ref_unique_id <> '0' AND d.member_id = ` +
			one: "lots: 199, not 200",
		`INSERT INTO money.point_member SELECT point_member_id + 1000000, point, point_master_id, created_at, expiry_at, member_id, point_status_code,
			point_type_code, issue_date, expiry_date, ref_unique_id, reason, memo, idempotency_key || '!' FROM money.point_member
			WHERE ref_unique_id <> '0' AND member_id = ` + one: "grants in the ledger: 201, not 200",
		`UPDATE campaign_event_summary SET success_count = success_count - 1`: "completed: 0, not 200",
	} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`) // past the triggers of the ledger
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), sql)
		require.NoError(t, err)
		wrong, err := checkRival(t.Context(), tx, event, members)
		require.NoError(t, err)
		require.Contains(t, wrong, found, sql)
		require.NoError(t, tx.Rollback(t.Context()))
	}
}

// The rivals are measured with the clock and the meter of the others.
func TestMeasureRivals(t *testing.T) {
	t.Parallel()
	s := testServer(t, 200)
	r, err := Measure(t.Context(), s.Config)
	require.NoError(t, err)
	require.Len(t, r.Runs, 2)
	for i, kind := range []string{Outbox, Jobs} {
		run := r.Runs[i]
		require.Equal(t, kind, run.Kind)
		require.True(t, run.Exact, "%v", run.Wrong)
		require.Positive(t, run.Import)
		require.Positive(t, run.Grant)
		require.Positive(t, run.WAL)
	}
	require.Len(t, r.Compare(), 2)
	require.Nil(t, r.Sum(), "no round was measured")
}
