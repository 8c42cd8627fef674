package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/reports"
	"bestow/internal/kafkatest"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m, kafkatest.Leaks()...) }

// setup is a worker on a database with event 1, and a job that verifies it.
func setup(t *testing.T) (*verifyWorker, *pgxpool.Pool, *river.Job[reports.VerifyArgs]) {
	t.Helper()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (1, 'a', 'POINT', 'test');
		INSERT INTO campaign_event_summary (event_id) VALUES (1)`)
	require.NoError(t, err)
	job := &river.Job[reports.VerifyArgs]{JobRow: &rivertype.JobRow{Metadata: []byte(`{"by": "the auditor", "snoozes": 2}`)}, Args: reports.VerifyArgs{EventID: 1}}
	inserter, err := NewInserter(pool)
	require.NoError(t, err)
	a, err := app.New(app.Deps{Pool: pool, River: inserter})
	require.NoError(t, err)
	return newVerifyWorker(a), pool, job
}

// A report is kept under the name of the key that asked. Kind, args and metadata are wire format.
func TestVerifyWorker(t *testing.T) {
	t.Parallel()
	w, pool, job := setup(t)
	require.Equal(t, "verify", job.Args.Kind())
	require.Greater(t, w.Timeout(job), 10*jobTimeout)
	require.NoError(t, w.Work(t.Context(), job))
	var by string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT checked_by FROM verify_reports WHERE event_id = 1`).Scan(&by))
	require.Equal(t, "the auditor", by)

	job.Args.EventID = 2
	require.NoError(t, w.Work(t.Context(), job), "an event that is gone needs no report")
}

// A verification that is cancelled runs again, one whose time is up would take as long again, and one waits for another.
func TestVerifyWorkerEnds(t *testing.T) {
	t.Parallel()
	w, pool, job := setup(t)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `LOCK TABLE point_results IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)

	late, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.Work(late, job), &river.JobCancelError{})

	stopped, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Work(stopped, job) }()
	require.Eventually(t, func() bool { return len(w.turn) == 1 }, time.Minute, time.Millisecond)
	require.ErrorIs(t, w.Work(t.Context(), job), &river.JobSnoozeError{})
	stop()
	err = <-ended
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, &river.JobCancelError{})
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, w.Work(t.Context(), job), "its turn is free")
}

// A report that fails is tried again. Its last attempt cancels the job, so that the event's report is not under way for ever.
func TestVerifyWorkerGivesUp(t *testing.T) {
	t.Parallel()
	w, pool, job := setup(t)
	_, err := pool.Exec(t.Context(), `DROP TABLE verify_reports`)
	require.NoError(t, err)
	for attempt, last := range map[int]bool{1: false, verifyAttempts - 1: false, verifyAttempts: true} {
		job.Attempt = attempt
		err := w.Work(t.Context(), job)
		require.Error(t, err)
		require.Equal(t, last, errors.Is(err, &river.JobCancelError{}), "attempt %d: %v", attempt, err)
	}
}
