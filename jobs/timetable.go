package jobs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"bestow/app"
	"bestow/app/types"
	"bestow/domain"
	"bestow/internal/obs"
	"bestow/money/moneydb"
	"bestow/money/points"
	"bestow/outbox"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	// makeEvery is the time between two looks for event types that are still to be made. A new type has a job of its own.
	makeEvery = 30 * time.Second
	// collectEvery is the time between two collections of debts.
	collectEvery = 10 * time.Minute
	// forecastTimeout bounds a count of the points that will expire, which reads every lot.
	forecastTimeout = 30 * time.Minute
)

// The args of the timetable's jobs. They are empty: each job reads from the database, Kafka or the ledger what to do.
// Their kinds are wire format.
type (
	startDueArgs  struct{}
	closeDoneArgs struct{}
	sweepArgs     struct{}
	reconcileArgs struct{}
	rescueArgs    struct{}
	tidyArgs      struct{}
	expireArgs    struct{}
	collectArgs   struct{}
	forecastArgs  struct{}
	auditArgs     struct{}
)

// Kind is wire format.
func (startDueArgs) Kind() string { return "start_due" }

// Kind is wire format.
func (closeDoneArgs) Kind() string { return "close_done" }

// Kind is wire format.
func (sweepArgs) Kind() string { return "sweep" }

// Kind is wire format.
func (reconcileArgs) Kind() string { return "reconcile" }

// Kind is wire format.
func (rescueArgs) Kind() string { return "rescue" }

// Kind is wire format.
func (tidyArgs) Kind() string { return "tidy" }

// Kind is wire format.
func (expireArgs) Kind() string { return "expire" }

// Kind is wire format.
func (collectArgs) Kind() string { return "collect" }

// Kind is wire format.
func (forecastArgs) Kind() string { return "forecast" }

// Kind is wire format.
func (auditArgs) Kind() string { return "audit" }

// schedules says how often each job of the timetable runs.
func schedules() []schedule {
	return []schedule{
		every(5*time.Second, startDueArgs{}),     // starts events that are due, stops those under a brake
		every(5*time.Second, closeDoneArgs{}),    // completes events that are done
		every(30*time.Second, sweepArgs{}),       // chunks that no job would publish get one
		every(30*time.Second, reconcileArgs{}),   // republishes chunks that Kafka lost
		every(30*time.Second, rescueArgs{}),      // rescues verifications whose process was killed
		every(10*time.Second, auditArgs{}),       // chains the rows of the audit, and writes the head to the log
		oneEvery(makeEvery, types.MakeArgs{}),    // makes tables and topics of new event types
		every(10*time.Minute, tidyArgs{}),        // deletes what expired, or what deleted events and killed processes left
		oneEvery(time.Minute, expireArgs{}),      // expires points that have run out
		oneEvery(collectEvery, collectArgs{}),    // collects debts of members
		oneEvery(10*time.Minute, forecastArgs{}), // counts, once a day, what will expire
	}
}

// Workers holds what the workers of a process need.
type Workers struct {
	App       *app.App
	Relay     *outbox.RelayWorker
	Replay    *outbox.ReplayWorker
	Sweeper   *outbox.Sweeper
	Ledger    *moneydb.Ledger // of this database
	ExpiryOff bool            // no points expire by themselves
	Log       *slog.Logger    // nil: nothing is logged
	// Found is told how many things a job of the kind has put right: 0 at the beginning. It may be nil.
	Found func(job string, n int)
	// MakeTopics makes the topics of a type, in a process with the role jobs.
	MakeTopics func(domain.EventType) error
}

// Validate returns an error that says what w lacks.
func (w Workers) Validate() error {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"App", w.App == nil},
		{"Relay", w.Relay == nil},
		{"Replay", w.Replay == nil},
		{"Sweeper", w.Sweeper == nil},
		{"Ledger", w.Ledger == nil},
		{"MakeTopics", w.MakeTopics == nil},
	} {
		if part.missing {
			return errors.New("configure workers: " + part.name + " is missing")
		}
	}
	return nil
}

// Register adds every worker of the product, in every role: a leader that does not know a kind discards its jobs when
// it rescues them. It returns an error that says what with lacks.
func Register(w *river.Workers, with Workers) error {
	if err := with.Validate(); err != nil {
		return err
	}
	with.Log = cmp.Or(with.Log, slog.New(slog.DiscardHandler))
	river.AddWorker(w, with.Relay)
	river.AddWorker(w, with.Replay)
	river.AddWorker(w, newVerifyWorker(with.App))
	river.AddWorker(w, &expireWorker{ledger: with.Ledger, off: with.ExpiryOff, until: inHalfTheTime, log: with.Log})
	events, reports := with.App.Events, with.App.Reports
	add[startDueArgs](w, func(ctx context.Context) error {
		return errors.Join(events.StopBraked(ctx), events.StartDue(ctx))
	})
	add[closeDoneArgs](w, events.CloseDone)
	add[tidyArgs](w, func(ctx context.Context) error {
		return errors.Join(with.App.Verify.DeleteHealedJobs(ctx), events.Tidy(ctx), with.App.Processes.Tidy(ctx),
			with.App.Uploads.Tidy(ctx))
	})
	add[types.MakeArgs](w, func(ctx context.Context) error {
		return with.App.Types.Make(ctx, with.MakeTopics, with.Log)
	})
	add[auditArgs](w, func(ctx context.Context) error {
		return errors.Join(with.App.Audit.Link(ctx), with.App.Audit.Anchor(ctx))
	})
	add[sweepArgs](w, with.warned(sweepArgs{}, "chunks without a job were given one", with.Sweeper.Sweep))
	add[reconcileArgs](w, with.warned(reconcileArgs{}, "published chunks were lost and are published again",
		with.Sweeper.Reconcile))
	add[rescueArgs](w, with.warned(rescueArgs{}, "verifications of processes that are gone run again",
		reports.RescueVerifications))
	add[collectArgs](w, func(ctx context.Context) error { return collect(ctx, with.Ledger.Collect) })
	river.AddWorker(w, &worker[forecastArgs]{timeout: forecastTimeout, work: func(ctx context.Context) error {
		_, err := with.Ledger.CountForecast(ctx)
		return err
	}})
	return nil
}

// worker works the jobs of one kind of the timetable.
type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]
	work    func(context.Context) error
	timeout time.Duration // 0: jobTimeout
}

func add[A river.JobArgs](w *river.Workers, work func(context.Context) error) {
	river.AddWorker(w, &worker[A]{work: work})
}

// Timeout returns the kind's own time-out, which River's rescue honours.
func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return w.timeout }

// Work does the work of the kind.
func (w *worker[A]) Work(ctx context.Context, _ *river.Job[A]) error { return w.work(ctx) }

// warned returns do with a warning in the log if it found something, since it should find nothing.
func (w Workers) warned(job river.JobArgs, message string, do func(context.Context) (int, error),
) func(context.Context) error {
	found := w.Found
	if found == nil {
		found = func(string, int) {}
	}
	found(job.Kind(), 0) // a number that appears is no growth to who watches it
	return func(ctx context.Context) error {
		n, err := do(ctx)
		if n > 0 {
			w.Log.WarnContext(ctx, message, obs.Count, n)
			found(job.Kind(), n)
		}
		return err
	}
}

// collect takes the debts of members from the points that they have, once for each member; what is left waits for the
// next run. A member for whom it fails does not stop the others. next is [moneydb.Ledger.Collect].
func collect(ctx context.Context, next func(ctx context.Context, after string) (points.Collected, error)) error {
	var failed error
	after := ""
	for until := inHalfTheTime(); time.Now().Before(until); {
		done, err := next(ctx, after)
		if failed == nil {
			failed = err // one error is enough to report
		}
		if done.Members == 0 {
			break
		}
		after = done.Last
	}
	return failed
}

// schedule says how often the leader inserts a job.
type schedule struct {
	every time.Duration
	args  river.JobArgs
	one   bool // there is never more than one of it
}

func every(d time.Duration, args river.JobArgs) schedule { return schedule{every: d, args: args} }

// oneEvery schedules a job that may take long, so that there is never more than one. The leader also inserts it when it
// begins to lead: what ran out while every process was down expires at once.
func oneEvery(d time.Duration, args river.JobArgs) schedule {
	return schedule{every: d, args: args, one: true}
}

// insertOpts returns how the job is inserted. It is never discarded.
func (s schedule) insertOpts() *river.InsertOpts {
	opts := &river.InsertOpts{Queue: Queue, MaxAttempts: math.MaxInt16}
	if s.one {
		opts.UniqueOpts = river.UniqueOpts{ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}}
	}
	return opts
}

// periodic returns the schedule as River takes it.
func (s schedule) periodic() *river.PeriodicJob {
	insert := func() (river.JobArgs, *river.InsertOpts) { return s.args, s.insertOpts() }
	return river.NewPeriodicJob(river.PeriodicInterval(s.every), insert, &river.PeriodicJobOpts{RunOnStart: s.one})
}
