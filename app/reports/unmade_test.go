package reports

import (
	"errors"
	"testing"

	"bestow/app/processes"
	"bestow/app/types"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// A type that is being made and cannot be is told, with the words of its own last failure; one that is at work is not.
func TestUnmadeTypes(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	exec := func(sql string, args ...any) {
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	r, err := New(Config{Pool: pool})
	require.NoError(t, err)
	waits := func() map[string][]Reason {
		all, err := r.UnmadeTypes(t.Context())
		require.NoError(t, err)
		found := map[string][]Reason{}
		for _, u := range all {
			found[u.Code] = u.WaitingFor
		}
		return found
	}
	standing := func() (reasons []Reason) {
		sys, err := r.System(t.Context())
		require.NoError(t, err)
		still, err := r.StandingStill(t.Context())
		require.NoError(t, err)
		require.Equal(t, sys.Standing, still)
		for _, s := range still {
			require.Equal(t, []int64{}, s.Events)
			reasons = append(reasons, s.Reason)
		}
		return reasons
	}
	require.Empty(t, waits())
	require.Empty(t, standing(), "no process is needed")
	exec(`INSERT INTO event_types (code, label, operation, topic, state) VALUES
		('TEA', 'x', 'points', 'tea', 'TABLES'), ('T2', 'x', 'points', 't2', 'CREATING')`)
	none := Reason{processes.RoleJobs, "no process with the role jobs is running"}
	require.Equal(t, map[string][]Reason{"TEA": {none}, "T2": {none}}, waits())
	require.Equal(t, []Reason{none}, standing())
	exec(`INSERT INTO processes (id, roles, version, host, pid, seen_at)
		VALUES (gen_random_uuid(), '{jobs}', 'v', 'h', 1, now() + interval '1 hour')`)
	require.Equal(t, map[string][]Reason{"TEA": nil, "T2": nil}, waits())
	require.Empty(t, standing())

	failed := errors.Join(processes.UnmadeError("TEA", errors.New("Kafka\nis away")),
		processes.UnmadeError("CAKE", errors.New("it was made since")))
	const job = `INSERT INTO river.river_job (kind, queue, args, state, max_attempts, attempt, errors)
		VALUES ($1, 'jobs', '{}', $2, 25, 1, ARRAY['{"error": "make event type TEA: an earlier try"}'::jsonb,
			jsonb_build_object('error', $3::text)])`
	exec(job, types.MakeArgs{}.Kind(), "retryable", failed.Error())
	away := Reason{TypeUnmade, "event type TEA cannot be made yet: Kafka is away"}
	require.Equal(t, map[string][]Reason{"TEA": {away}, "T2": nil}, waits())
	require.Equal(t, []Reason{away}, standing())
	exec(`INSERT INTO river.river_queue (name, paused_at, created_at, updated_at) VALUES ('jobs', now(), now(), now())`)
	paused := Reason{JobsQueuePaused, pausedText("jobs")}
	require.Equal(t, map[string][]Reason{"TEA": {paused, away}, "T2": {paused}}, waits())
	require.Equal(t, []Reason{paused, away}, standing())
	exec(`DELETE FROM river.river_queue`)
	exec(`UPDATE river.river_job SET errors = ARRAY['{"error": "context deadline exceeded"}'::jsonb]`)
	require.Equal(t, []Reason{
		{TypeUnmade, "event type T2 cannot be made yet: context deadline exceeded"},
		{TypeUnmade, "event type TEA cannot be made yet: context deadline exceeded"},
	}, standing(), "an error that names no type is every type's")
	exec(`UPDATE river.river_job SET state = 'completed', finalized_at = now()`)
	require.Empty(t, standing())
	exec(`UPDATE event_types SET state = 'READY' WHERE code IN ('TEA', 'T2')`)
	require.Empty(t, waits())
}
