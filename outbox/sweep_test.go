package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sweeper is a sweeper of the room. It has no Kafka.
func (r *room) sweeper() *Sweeper {
	r.Helper()
	s, err := NewSweeper(SweeperConfig{Pool: r.pool, River: r.river, ChunksAJob: 2, Patience: time.Minute})
	require.NoError(r, err)
	return s
}

// What the sweep gives a job: each chunk of a running event that was never published, and that no job would publish
// soon.
func TestSweep(t *testing.T) {
	t.Parallel()
	job := func(state, set string) func(*room) {
		return func(r *room) {
			id := r.job(r.all(), First, 0, state)
			if set != "" {
				r.exec(`UPDATE river.river_job SET `+set+` WHERE id = $1`, id)
			}
		}
	}
	rows := func(sql string) func(*room) { return func(r *room) { r.exec(sql) } }
	for name, c := range map[string]struct {
		given func(*room)
		lost  bool
	}{
		"no job":                      {func(*room) {}, true},
		"a job that runs":             {job("running", ""), false},
		"a job that waits":            {job("available", ""), false},
		"a job that was put off":      {job("scheduled", "scheduled_at = now() + interval '1 hour'"), false},
		"a job that is tried again":   {job("retryable", ""), false},
		"a job that is put off long":  {job("scheduled", "scheduled_at = now() + interval '3 hours'"), true},
		"a job that runs for long":    {job("running", "scheduled_at = now() + interval '3 hours'"), false},
		"a job that nothing releases": {job("pending", ""), true},
		"a job that is over":          {job("completed", ""), true},
		"a job of another queue":      {job("available", "queue = 'jobs'"), true},
		"a job of another kind":       {job("available", "kind = 'other'"), true},
		"a job of another event":      {job("available", `args = args || '{"event_id": 77}'`), true},
		"a job of another partition":  {job("available", `args = args || '{"partition_key": 1}'`), true},
		"a job of a part":             {job("available", `args = args || '{"last_id": 1}'`), true},
		"a job of the rest":           {job("available", `args = args || '{"first_id": 2}'`), true},
		"published":                   {rows(`UPDATE grant_chunks SET published_at = now()`), false},
		"settled and never marked":    {rows(`UPDATE grant_chunks SET settled_at = now()`), true},
		"PENDING":                     {rows(`UPDATE campaign_events SET event_status = 'PENDING'`), false},
		"STOPPED":                     {rows(`UPDATE campaign_events SET event_status = 'STOPPED'`), false},
		"COMPLETED":                   {rows(`UPDATE campaign_events SET event_status = 'COMPLETED'`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, 2)
			c.given(r)
			n, err := r.sweeper().Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.lost, n == 1)
			n, err = r.sweeper().Sweep(t.Context())
			require.NoError(t, err)
			require.Zero(t, n, "what was lost has a job now")
		})
	}
}

// The jobs of the sweep publish for the first time, in runs, and at once.
func TestSweepMakesRuns(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1, 1)
	n, err := r.sweeper().Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, "available first 1-2, available first 3-3", r.jobs())
	require.Equal(t, "relay 32767", r.text(`SELECT DISTINCT concat_ws(' ', queue, max_attempts) FROM river.river_job`))
}
