package app

import (
	"log/slog"
	"strings"
	"testing"

	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Progress reads what is not SUCCESS by the index that holds nothing else, whether statistics know the event or not: by
// another one it would read the whole event, each second.
func TestProgressPlan(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a := New(Deps{Pool: pool, Log: slog.New(slog.DiscardHandler), Limits: DefaultLimits()})
	e, err := a.Events.Create(t.Context(), Caller{Actor: "t"}, NewEvent{CampaignID: "c", EventType: "POINT"})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `ALTER TABLE point_results SET (autovacuum_enabled = off)`)
	require.NoError(t, err)
	for _, statistics := range []string{"", "ANALYZE point_results"} {
		_, err = pool.Exec(t.Context(), `INSERT INTO point_results (event_id, amount, member_id, status)
			SELECT $1, 5, 'm' || g || $2, CASE WHEN g % 1000 = 0 THEN 'PERMANENTLY_FAILED' ELSE 'SUCCESS' END FROM generate_series(1, 50000) g`,
			e.ID, statistics)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), statistics)
		require.NoError(t, err)
		rows, err := pool.Query(t.Context(), `EXPLAIN `+openResults("point_results"), e.ID)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), "point_results_open")
	}
	p, err := a.Reports.Progress(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"unknown": 100}, p.Failures)
}
