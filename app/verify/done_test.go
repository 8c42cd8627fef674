package verify

import (
	"fmt"
	"testing"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// plantAged is plant with events of points that are an hour old.
func plantAged(t *testing.T, ids ...int64) *pgxpool.Pool {
	t.Helper()
	pool := plant(t)
	for _, id := range ids {
		_, err := pool.Exec(t.Context(), forging(fmt.Sprintf(`
			UPDATE campaign_events SET created_at = created_at - interval '1 hour', updated_at = updated_at - interval '1 hour' WHERE id = %[1]d;
			UPDATE campaign_event_summary SET started_at = started_at - interval '1 hour', completed_at = completed_at - interval '1 hour',
				stopped_at = stopped_at - interval '1 hour' WHERE event_id = %[1]d;
			UPDATE grant_chunks SET created_at = created_at - interval '1 hour', published_at = published_at - interval '1 hour',
				claimed_at = claimed_at - interval '1 hour', settled_at = settled_at - interval '1 hour' WHERE event_id = %[1]d;
			UPDATE money.point_lot l SET created_at = l.created_at - interval '1 hour' FROM money.point_member m
			WHERE m.point_member_id = l.point_member_id AND m.ref_unique_id = '%[1]d';
			UPDATE money.point_member SET created_at = created_at - interval '1 hour',
				issue_date = to_char((created_at - interval '1 hour') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') WHERE ref_unique_id = '%[1]d';
			DELETE FROM starts WHERE event_id = %[1]d`, id)))
		require.NoError(t, err)
		require.NoError(t, pgx.BeginFunc(t.Context(), pool,
			func(tx pgx.Tx) error { return startPlanted(t.Context(), tx, plantedStore, id) }))
	}
	report, red := verify(t, pool, Query{})
	require.Empty(t, red, "%+v", report)
	return pool
}

// notCompleted shows a completed event as one in another status, with all stamps and words that this status has.
func notCompleted(id int64, status domain.Status) string {
	text := fmt.Sprintf(`UPDATE campaign_event_summary SET completed_at = NULL WHERE event_id = %[1]d;
		UPDATE campaign_events SET event_status = '%[2]s' WHERE id = %[1]d;`, id, status)
	if status == domain.Running {
		return text
	}
	return text + fmt.Sprintf(`UPDATE campaign_event_summary s SET stopped_at = e.updated_at,
			stopped_memo = CASE e.event_status WHEN 'FAILED' THEN 'what would be granted is not what was imported: x' ELSE 'x' END
			FROM campaign_events e WHERE e.id = s.event_id AND e.id = %[1]d;
		UPDATE campaign_events SET failure_code = CASE event_status WHEN 'FAILED' THEN 'content_changed' END WHERE id = %[1]d`, id)
}

// A running event of which all is settled was completed (N8). One that was stopped rests until a person resumes it,
// whatever its open claims have settled since.
func TestDoneIsCompleted(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		sql     string
		example string
	}{
		"running":                       {notCompleted(8, domain.Running), "event 8 is RUNNING, but all of it is settled since"},
		"stopped":                       {notCompleted(8, domain.Stopped), ""},
		"running, and redriven":         {notCompleted(1, domain.Running), "event 1 is RUNNING, but all of it is settled since"},
		"running, a moment ago":         {notCompleted(8, domain.Running) + `UPDATE campaign_events SET updated_at = now() WHERE id = 8`, ""},
		"running, and settled just now": {notCompleted(8, domain.Running) + `UPDATE grant_chunks SET settled_at = now() WHERE event_id = 8 AND first_id = 8004`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plantAged(t, 1, 8)
			_, err := pool.Exec(t.Context(), f.sql)
			require.NoError(t, err)
			report, red := verify(t, pool, Query{})
			if f.example == "" {
				require.Empty(t, red, "%+v", report)
				return
			}
			require.Equal(t, []string{"I5"}, red, "%+v", report)
			require.Contains(t, report.Invariants[4].Examples[0], f.example)
		})
	}
}

// A retired type may have events, and is compared like the others. One that is being made can have none.
func TestVerifyTypeStates(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	state := func(s string) (red, examples []string) {
		_, err := pool.Exec(t.Context(), `UPDATE event_types SET state = $1 WHERE code = 'POINT'`, s)
		require.NoError(t, err)
		report, red := verify(t, pool, Query{})
		for _, inv := range report.Invariants {
			examples = append(examples, inv.Examples...)
		}
		return red, examples
	}
	red, examples := state("RETIRED")
	require.Empty(t, red, examples)
	for _, s := range []string{"CREATING", "TABLES"} {
		red, examples = state(s)
		require.Equal(t, []string{"I35"}, red)
		require.Regexp(t, "type POINT is "+s+", and has [0-9]+ events", examples[0])
	}
	_, err := pool.Exec(t.Context(), `UPDATE event_types SET state = 'READY' WHERE code = 'POINT';
		INSERT INTO event_types (code, label, operation, topic, state) VALUES ('TEA', 'x', 'points', 'tea', 'RETIRED')`)
	require.NoError(t, err)
	report, red := verify(t, pool, Query{})
	require.Equal(t, []string{"I35"}, red)
	require.Contains(t, fmt.Sprint(report.Invariants), "type TEA has no tables, and 0 events")
}
