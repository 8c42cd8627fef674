package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/app/processes"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/migrations"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Queue holds the jobs of the timetable.
const Queue = processes.JobsQueue

const (
	// A job may run for jobTimeout. One that has not ended by rescueAfter is given to another process. With River's own
	// ticks that takes up to 81 s. A process that is known to be gone loses its jobs earlier (processes.Takeover).
	jobTimeout  = 20 * time.Second
	rescueAfter = 30 * time.Second
	// maxRetryWait caps the wait after a failed attempt. Attempts have no end: a job of ours is never discarded.
	maxRetryWait = 15 * time.Second
)

// Queues are the queues that a process works in its roles.
type Queues struct {
	Relay bool
	Jobs  bool
}

// relayWorkers is the number of relay jobs that a process works at once: some keep Kafka busy while others mark.
const relayWorkers = 4

// timetableWorkers is the number of jobs of the timetable that a process works at once. Four kinds may take long:
// verify, expire, collect and forecast. A process works one of each, so the other kinds find a free worker.
const timetableWorkers = 8

// NewInserter makes a River client that inserts jobs and works none, for a program that only prepares or commands.
func NewInserter(pool *pgxpool.Pool) (*river.Client[pgx.Tx], error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: migrations.RiverSchema})
	if err != nil {
		return nil, fmt.Errorf("make river client: %w", err)
	}
	return client, nil
}

// ClientConfig holds what the River client of a process needs.
type ClientConfig struct {
	ID      string // of the process, by which River tells it from others
	Pool    *pgxpool.Pool
	Workers *river.Workers // of every kind of job: any process may lead
	Queues  Queues
	Log     *slog.Logger // nil: nothing is logged
	// NoReindex says that the role of Pool may not build River's indexes anew, which River tries every midnight.
	NoReindex bool
}

// MayReindex reports whether the role of pool owns River's tables, and so may build their indexes anew.
func MayReindex(ctx context.Context, pool *pgxpool.Pool) (owns bool, err error) {
	const query = `SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = '` + migrations.RiverSchema + `.river_job'::regclass`
	if err := pool.QueryRow(ctx, query).Scan(&owns); err != nil {
		return false, fmt.Errorf("look who owns River's tables: %w", err)
	}
	return owns, nil
}

// Validate returns an error that says what c lacks.
func (c ClientConfig) Validate() error {
	if c.ID == "" || c.Pool == nil || c.Workers == nil {
		return errors.New("a River client needs the id of its process, a pool, and workers")
	}
	return nil
}

// NewClient makes the River client of the process, or returns an error that says what c lacks. The client inserts jobs
// of every kind and works the queues of its process's roles.
func NewClient(c ClientConfig) (*river.Client[pgx.Tx], error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	client, err := river.NewClient(riverpgxv5.New(c.Pool), c.river())
	if err != nil {
		return nil, fmt.Errorf("make river client: %w", err)
	}
	return client, nil
}

// river returns River's settings for the process.
func (c ClientConfig) river() *river.Config {
	cfg := &river.Config{
		ID:                   c.ID,
		Schema:               migrations.RiverSchema,
		Workers:              c.Workers,
		Queues:               map[string]river.QueueConfig{},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		// A discarded or cancelled job stays until a person deletes it: verify reports it.
		DiscardedJobRetentionPeriod: -1,
		CancelledJobRetentionPeriod: -1,
		RetryPolicy:                 cappedRetry{},
		FetchPollInterval:           500 * time.Millisecond,
		FetchCooldown:               50 * time.Millisecond,
		Logger:                      obs.Sparing(slog.New(warnings{c.Log.Handler()}), time.Minute),
		ErrorHandler:                failures{all: c.Log, spared: obs.Sparing(c.Log, time.Minute)},
	}
	if c.NoReindex {
		cfg.ReindexerIndexNames = []string{}
	}
	if c.Queues.Relay {
		cfg.Queues[outbox.Queue] = river.QueueConfig{MaxWorkers: relayWorkers}
	}
	if c.Queues.Jobs {
		cfg.Queues[Queue] = river.QueueConfig{MaxWorkers: timetableWorkers}
	}
	for _, s := range schedules() { // any process may lead, and the leader inserts them
		cfg.PeriodicJobs = append(cfg.PeriodicJobs, s.periodic())
	}
	return cfg
}

// warnings is a log of warnings and errors, and of everything where the process logs in debug. In info, River counts
// the jobs of each queue every five seconds, which says nothing to an operator.
type warnings struct{ slog.Handler }

// Enabled reports whether the log takes a record of the level.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return w.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || w.Handler.Enabled(ctx, slog.LevelDebug))
}

// Handle writes the record: what is in info for River in debug.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		r.Level = slog.LevelDebug
	}
	return w.Handler.Handle(ctx, r)
}

// WithAttrs returns such a log whose records have the attributes.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup returns such a log whose attributes stand in the group.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// failures tells the log of jobs that failed: River does so in info, among its counts.
type failures struct{ all, spared *slog.Logger }

// HandleError is river.ErrorHandler's. What the database took no session for comes in debug: the process says that it
// is away. A job that has come to the end of its time, or failed at another server, is told.
func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level := slog.LevelWarn
	if pg.NoSession(err) {
		level = slog.LevelDebug
	}
	f.spared.Log(ctx, level, "a job failed and is tried again", "kind", job.Kind, obs.JobID, job.ID,
		obs.Attempt, job.Attempt, obs.Err, err)
	return nil
}

// HandlePanic is river.ErrorHandler's. Each panic is told: it is a fault of ours.
func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, v any, trace string,
) *river.ErrorHandlerResult {
	f.all.ErrorContext(ctx, "a job panicked and is tried again", "kind", job.Kind, obs.JobID, job.ID,
		obs.Attempt, job.Attempt, obs.Err, v, "stack", trace)
	return nil
}

// cappedRetry doubles the wait after each failed attempt from a second on, to maxRetryWait.
type cappedRetry struct{}

// NextRetry returns the time of the job's next attempt.
func (cappedRetry) NextRetry(job *rivertype.JobRow) time.Time {
	wait := min(time.Second<<min(len(job.Errors), 4), maxRetryWait)
	return time.Now().Add(wait)
}
