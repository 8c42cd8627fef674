package outbox

import (
	"testing"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// requeue does what a resume does to the jobs, and returns the new ones.
func (r *room) requeue(chunksAJob int) string {
	r.Helper()
	r.exec(`UPDATE river.river_job SET metadata = '{"old": true}'`)
	r.tx(func(tx pgx.Tx) error { return Requeue(r.Context(), tx, r.river, point, r.event, chunksAJob) })
	return r.text(`SELECT coalesce(string_agg(concat_ws(' ', state, args->>'mode', (args->>'first_id') || '-' || (args->>'last_id')), ', ' ORDER BY id), '')
		FROM river.river_job WHERE NOT metadata ? 'old'`)
}

// What a resume makes of a chunk of two members, m001 and m002, by what stands in its rows and which jobs it has.
func TestRequeue(t *testing.T) {
	t.Parallel()
	const (
		publish = `UPDATE grant_chunks SET published_at = now()`
		refused = `INSERT INTO point_results (event_id, member_id, amount, status, retry_count) VALUES (1, 'm001', 10, 'FAILED', 2)`
		redrive = `UPDATE grant_chunks SET settled_at = now();
			INSERT INTO point_results (event_id, member_id, amount, status, redrive) VALUES (1, 'm001', 10, 'PERMANENTLY_FAILED', 1)`
	)
	type job struct {
		mode  Mode
		try   int
		state string
	}
	for _, c := range []struct {
		name, rows string
		jobs       []job
		want       string
	}{
		{"never published", ``, nil, "available first 1-2"},
		{"never published, with a job", ``, []job{{First, 0, "available"}}, ""},
		{"never published, with a job that is over", ``, []job{{First, 0, "completed"}}, "available first 1-2"},
		{"never published, with a job of another mode", ``, []job{{Republish, 0, "available"}}, "available first 1-2"},
		{"published", publish, nil, "available unsettled 1-2"},
		{"published, with a job", publish, []job{{Unsettled, 0, "scheduled"}}, ""},
		{"published, about to be published first", publish, []job{{First, 0, "running"}}, ""},
		{"published, asked again already", publish, []job{{Republish, 0, "retryable"}}, ""},
		{"published, with a retry for others", publish, []job{{Retry, 1, "scheduled"}}, "available again 1-2"},
		{"refused, with its retry", publish + `;` + refused, []job{{Retry, 2, "pending"}}, "available again 1-2"},
		{"refused, with the retry of an older try", publish + `;` + refused, []job{{Retry, 1, "pending"}}, "available unsettled 1-2"},
		{"refused, its retry was dropped, others asked again", publish + `;` + refused, []job{{Republish, 0, "available"}}, "available unsettled 1-2"},
		{"refused, with a redrive's job", publish + `;` + refused, []job{{Redrive, 0, "available"}}, "available unsettled 1-2"},
		{"settled", publish + `; UPDATE grant_chunks SET settled_at = now()`, nil, ""},
		{"settled, with a redrive", publish + `;` + redrive, nil, "available redrive 1-2"},
		{"settled, with a redrive that has a job", publish + `;` + redrive, []job{{Redrive, 0, "available"}}, ""},
		{"settled, with a redrive and a job of another mode", publish + `;` + redrive, []job{{Unsettled, 0, "available"}}, "available redrive 1-2"},
		{"settled, with a redrive that was answered", publish + `;` + redrive + `; UPDATE point_results SET redrive_done = 1`, nil, ""},
		{"settled, with a redrive that has succeeded", publish + `;` + redrive + `; UPDATE point_results SET status = 'SUCCESS'`, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, 2)
			require.EqualValues(t, 1, r.event)
			r.exec(c.rows + `;`)
			for _, j := range c.jobs {
				r.job(r.chunks[0], j.mode, j.try, j.state)
			}
			require.Equal(t, c.want, r.requeue(10))
			require.Empty(t, r.requeue(10), "all has its job")
		})
	}
}

// A job covers a chunk if all of it lies in the job's range and partition.
func TestAJobCoversWholeChunks(t *testing.T) {
	t.Parallel()
	c := domain.Chunk{EventID: 1, PartitionKey: 2, First: 10, Last: 19}
	for name, tt := range map[string]struct {
		job    RelayArgs
		covers bool
	}{
		"the same":          {RelayArgs{1, 2, 10, 19, First, 0}, true},
		"a longer one":      {RelayArgs{1, 2, 1, 29, First, 0}, true},
		"begins later":      {RelayArgs{1, 2, 11, 29, First, 0}, false},
		"ends before":       {RelayArgs{1, 2, 1, 18, First, 0}, false},
		"another partition": {RelayArgs{1, 3, 10, 19, First, 0}, false},
		"another mode":      {RelayArgs{1, 2, 10, 19, Republish, 0}, false},
	} {
		jobs := liveJobs{tt.job.PartitionKey: {tt.job}}
		require.Equal(t, tt.covers, jobs.cover(c, First), name)
		retry := tt.job
		if retry.Mode == First {
			retry.Mode = Retry
		}
		jobs = liveJobs{retry.PartitionKey: {retry}}
		require.Equal(t, tt.covers, jobs.retries(c, 0), name)
		require.False(t, jobs.retries(c, 1), name)
	}
}

// Consecutive chunks share a job, up to the given number, and jobs of another event count for nothing.
func TestRequeueMakesRuns(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1, 1)
	ours := r.event
	r.event = r.newEvent("summer")
	r.job(domain.Run{EventID: r.event, First: 1, Last: 3}, First, 0, "")
	r.event = ours
	require.Equal(t, "available first 1-2, available first 3-3", r.requeue(2))
}

// A refused member is looked for in the chunk that it stands in, which is the last one to begin before it.
func TestDroppedRetriesAreOfTheirChunk(t *testing.T) {
	t.Parallel()
	r := setup(t, 2, 2)
	r.published()
	r.exec(`INSERT INTO point_results (event_id, member_id, amount, status) VALUES ($1, 'm004', 10, 'FAILED')`, r.event)
	r.job(r.chunks[0], Republish, 0, "")
	r.job(r.chunks[1], Republish, 0, "")
	require.Equal(t, "available unsettled 3-4", r.requeue(10))
}
