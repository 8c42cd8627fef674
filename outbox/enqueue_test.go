package outbox

import (
	"context"
	"strconv"
	"testing"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Partitions take turns, and within one the order of ids stays.
func TestRunsTakeTurns(t *testing.T) {
	t.Parallel()
	run := func(key int, first int64) domain.Run {
		return domain.Run{EventID: 1, PartitionKey: key, First: first, Last: first + 9}
	}
	got := byTurns([]domain.Run{run(0, 1), run(0, 11), run(0, 21), run(1, 31), run(2, 41), run(2, 51)})
	require.Equal(t, []domain.Run{run(0, 1), run(1, 31), run(2, 41), run(0, 11), run(2, 51), run(0, 21)}, got)
	require.Empty(t, byTurns(nil))
}

// Enqueue makes a job of each run in the caller's transaction. It is pending, and never discarded.
func TestEnqueue(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1)
	other := r.chunk(1, 1)
	r.tx(func(tx pgx.Tx) error {
		return Enqueue(t.Context(), tx, r.river, []domain.Run{r.chunks[0], r.chunks[1], other})
	})
	require.Equal(t, "pending first 1-1, pending first 3-3 partition 1, pending first 2-2", r.jobs())
	require.Equal(t, "relay relay 32767",
		r.text(`SELECT DISTINCT concat_ws(' ', kind, queue, max_attempts) FROM river.river_job`))

	tx, err := r.pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, Enqueue(t.Context(), tx, r.river, []domain.Run{r.all()}))
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, "3", r.text(`SELECT count(*)::text FROM river.river_job`), "what is rolled back leaves no job")
}

// EnqueueAt makes one job with its mode and try, which waits for its time.
func TestEnqueueAt(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	r.tx(func(tx pgx.Tx) error {
		return EnqueueAt(t.Context(), tx, r.river, r.chunks[0], Retry, 3, at)
	})
	require.Equal(t, "scheduled retry 3 1-2", r.jobs())
	require.Equal(t, "relay relay 32767",
		r.text(`SELECT concat_ws(' ', kind, queue, max_attempts) FROM river.river_job`))
	var scheduled time.Time
	require.NoError(t, r.pool.QueryRow(t.Context(), `SELECT scheduled_at FROM river.river_job`).Scan(&scheduled))
	require.WithinDuration(t, at, scheduled, time.Millisecond)
}

// states are those that a job may be in, in the order in which [room.inEveryState] makes the jobs.
var states = []string{"pending", "available", "scheduled", "retryable", "running", "completed"}

// inEveryState makes a job of the event in each state, for the chunks 1, 2 and so on.
func (r *room) inEveryState(mode Mode) {
	r.Helper()
	for i, state := range states {
		r.job(r.chunks[i], mode, 0, state)
	}
}

// What each act does to the jobs of an event, by their states. Jobs of another event and of another kind stay as they
// are.
func TestWhatIsDoneToTheJobsOfAnEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(context.Context, pgx.Tx, int64) error
		want string
	}{
		"released":  {Release, "available first 1-1, available first 2-2, scheduled first 3-3, retryable first 4-4, running first 5-5, completed first 6-6"},
		"held":      {Hold, "pending first 1-1, pending first 2-2, pending first 3-3, pending first 4-4, running first 5-5, completed first 6-6"},
		"discarded": {Discard, "running first 5-5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, 1, 1, 1, 1, 1, 1)
			ours := r.event
			r.event = r.newEvent("summer")
			others := r.chunks
			for i := range others {
				others[i].EventID = r.event
			}
			r.inEveryState(First)
			before := r.jobs()
			r.exec(`INSERT INTO river.river_job (kind, queue, max_attempts, state, args)
				SELECT 'other', 'jobs', 1, s::river.river_job_state, jsonb_build_object('event_id', $1::bigint) FROM unnest('{pending,available}'::text[]) s`, ours)
			for i := range r.chunks {
				r.chunks[i].EventID = ours
			}
			other := r.event
			r.event = ours
			r.inEveryState(First)
			r.exec(`UPDATE river.river_job SET scheduled_at = now() + interval '1 hour' WHERE state = 'pending'`)

			r.tx(func(tx pgx.Tx) error { return c.do(t.Context(), tx, ours) })
			require.Equal(t, c.want, r.jobs())
			require.Equal(t, "available pending",
				r.text(`SELECT string_agg(state::text, ' ' ORDER BY state) FROM river.river_job WHERE kind = 'other'`))
			r.event = other
			require.Equal(t, before, r.jobs())
			if name == "released" {
				require.Equal(t, "0", r.text(`SELECT count(*)::text FROM river.river_job
					WHERE state = 'available' AND scheduled_at > now() AND args @> jsonb_build_object('event_id', $1::bigint)`, ours), "it runs now")
			}
		})
	}
}

// BringForward lets the waiting retries of some chunks run now, and no other job.
func TestBringForward(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1, 1, 1, 1, 1)
	r.inEveryState(Retry)
	r.job(r.chunks[2], Republish, 0, "scheduled")
	another := r.chunks[2]
	another.PartitionKey = 1
	r.job(another, Retry, 0, "scheduled")
	r.exec(`UPDATE river.river_job SET scheduled_at = now() + interval '1 hour'`)
	r.tx(func(tx pgx.Tx) error { return BringForward(t.Context(), tx, r.chunks[:3]) })
	require.Equal(t, "pending retry 1-1, available retry 2-2, available retry 3-3, retryable retry 4-4, "+
		"running retry 5-5, completed retry 6-6, scheduled again 3-3, scheduled retry 3-3 partition 1", r.jobs())
	require.Equal(t, "1", r.text(`SELECT count(*)::text FROM river.river_job WHERE scheduled_at <= now()`))
	r.tx(func(tx pgx.Tx) error { return BringForward(t.Context(), tx, r.chunks) })
	require.Equal(t, strconv.Itoa(2), r.text(`SELECT count(*)::text FROM river.river_job WHERE scheduled_at <= now()`))
}

// Redriven makes a job of each chunk, which runs at once.
func TestRedriven(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1)
	r.tx(func(tx pgx.Tx) error { return Redriven(t.Context(), tx, r.river, r.chunks) })
	require.Equal(t, "available redrive 1-1, available redrive 2-2", r.jobs())
	r.tx(func(tx pgx.Tx) error { return Redriven(t.Context(), tx, r.river, nil) })
	require.Equal(t, "relay relay 32767",
		r.text(`SELECT DISTINCT concat_ws(' ', kind, queue, max_attempts) FROM river.river_job`))
}
