package jobs

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"bestow/app"
	"bestow/migrations"
	"bestow/money"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Queue holds the jobs of the timetable.
const Queue = app.JobsQueue

const (
	// jobTimeout is how long a job may run; rescueAfter, when one that does not come back runs again. With River's own
	// ticks a relay that was killed publishes again within 81 s.
	jobTimeout  = 20 * time.Second
	rescueAfter = 30 * time.Second
	// maxRetryWait caps the wait after a failed attempt. Attempts have no end: a job of ours is never discarded.
	maxRetryWait = 15 * time.Second
)

// Workers are what works the jobs of a process.
type Workers struct {
	App       *app.App
	Relay     *outbox.RelayWorker
	Replay    *outbox.ReplayWorker
	Net       *outbox.Net
	Ledger    *money.Ledger // of this database
	ExpiryOff bool          // no points expire by themselves
	Log       *slog.Logger
}

// Register adds every worker of the product, whatever the process's role: a leader that does not know a kind discards
// its jobs when it rescues them.
func Register(w *river.Workers, with Workers) {
	river.AddWorker(w, with.Relay)
	river.AddWorker(w, with.Replay)
	river.AddWorker(w, &startDueWorker{app: with.App})
	river.AddWorker(w, &closeDoneWorker{app: with.App})
	river.AddWorker(w, &tidyWorker{app: with.App})
	river.AddWorker(w, newVerifyWorker(with.App))
	river.AddWorker(w, &rescueWorker{app: with.App, log: with.Log})
	river.AddWorker(w, &sweepWorker{net: with.Net, log: with.Log})
	river.AddWorker(w, &reconcileWorker{net: with.Net, log: with.Log})
	river.AddWorker(w, &expireWorker{ledger: with.Ledger, off: with.ExpiryOff, until: inHalfTheTime, log: with.Log})
	river.AddWorker(w, &collectWorker{ledger: with.Ledger})
	river.AddWorker(w, &forecastWorker{ledger: with.Ledger})
}

// collectEvery is the time between two looks at what members owe.
const collectEvery = 10 * time.Minute

// schedules is the timetable.
func schedules() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		every(5*time.Second, startDueArgs{}),    // events whose reserved time has come
		every(5*time.Second, closeDoneArgs{}),   // the net under the closing of an event
		every(30*time.Second, sweepArgs{}),      // the net under the making of jobs
		every(30*time.Second, reconcileArgs{}),  // the net under Kafka
		every(30*time.Second, rescueArgs{}),     // verifications whose process was killed
		every(10*time.Minute, tidyArgs{}),       // what deleted events and killed processes left
		oneEvery(time.Minute, expireArgs{}),     // points that have run out
		oneEvery(collectEvery, collectArgs{}),   // what members owe
		oneEvery(forecastEvery, forecastArgs{}), // what will expire, once a day
	}
}

// Queues are the queues that a process works in its roles.
type Queues struct {
	Relay bool
	Jobs  bool
}

// relayWorkers is how many relay jobs a process works at once: enough to keep Kafka busy while others mark.
const relayWorkers = 4

// NewClient makes the River client of the process with the id: it inserts for everyone and works the queues of its roles.
func NewClient(id string, pool *pgxpool.Pool, workers *river.Workers, q Queues, log *slog.Logger) (*river.Client[pgx.Tx], error) {
	cfg := &river.Config{
		ID:                   id,
		Schema:               migrations.RiverSchema,
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		// A job that was discarded or cancelled stays until somebody has seen it: verify reports it.
		DiscardedJobRetentionPeriod: -1,
		CancelledJobRetentionPeriod: -1,
		RetryPolicy:                 cappedRetry{},
		FetchPollInterval:           500 * time.Millisecond,
		FetchCooldown:               50 * time.Millisecond,
		Logger:                      log,
	}
	if q.Relay {
		cfg.Queues[outbox.Queue] = river.QueueConfig{MaxWorkers: relayWorkers}
	}
	if q.Jobs {
		cfg.Queues[Queue] = river.QueueConfig{MaxWorkers: 4}
	}
	cfg.PeriodicJobs = schedules() // any process may lead, and the leader inserts them
	client, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return nil, fmt.Errorf("make river client: %w", err)
	}
	return client, nil
}

func every(d time.Duration, args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(d), func() (river.JobArgs, *river.InsertOpts) {
		return args, &river.InsertOpts{Queue: Queue, MaxAttempts: math.MaxInt16}
	}, nil)
}

// oneEvery is every for a job that may take long, and of which there is never more than one. The leader also inserts it when
// it begins to lead: what ran out while every process was down expires at once.
func oneEvery(d time.Duration, args river.JobArgs) *river.PeriodicJob {
	states := []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled}
	return river.NewPeriodicJob(river.PeriodicInterval(d), func() (river.JobArgs, *river.InsertOpts) {
		return args, &river.InsertOpts{Queue: Queue, MaxAttempts: math.MaxInt16, UniqueOpts: river.UniqueOpts{ByState: states}}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// cappedRetry doubles the wait after each failed attempt from a second on, to maxRetryWait.
type cappedRetry struct{}

// NextRetry is when the job runs again.
func (cappedRetry) NextRetry(job *rivertype.JobRow) time.Time {
	wait := min(time.Second<<min(len(job.Errors), 4), maxRetryWait)
	return time.Now().Add(wait)
}
