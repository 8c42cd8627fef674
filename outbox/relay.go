package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// A job sleeps for kafkaAway when Kafka did not take its messages. A snooze consumes no attempt.
const kafkaAway = 5 * time.Second

// A job that a brake holds sleeps for brakeSleep, since a handler would drop its message. It is a redrive of a
// COMPLETED event, for which no resume makes a new job, or a job of an event that the brake is about to stop.
const brakeSleep = 10 * time.Second

// ErrFenced is the error of an attempt whose job another attempt has taken over. All that it has written is rolled
// back.
var ErrFenced = errors.New("job was taken over by another attempt")

// RelayConfig holds what a RelayWorker needs.
type RelayConfig struct {
	Pool  *pgxpool.Pool
	Kafka *Kafka // nil in a process that works no relay jobs
	// Close completes an event (T7). A handler may settle an event's last targets before the relay has marked them.
	Close func(ctx context.Context, eventID int64) error
	// Report is called after each publish, with nil or with the reason why Kafka did not take it. It must return at
	// once. It may be nil.
	Report func(topic string, refused *Refusal)
	Log    *slog.Logger // nil: nothing is logged
}

// Validate returns an error that says what c lacks.
func (c RelayConfig) Validate() error {
	switch {
	case c.Pool == nil:
		return errors.New("configure relay worker: Pool is missing")
	case c.Close == nil:
		return errors.New("configure relay worker: Close is missing")
	}
	return nil
}

// RelayWorker works RelayArgs: it reads targets, publishes them, and marks those that Kafka has acknowledged.
type RelayWorker struct {
	river.WorkerDefaults[RelayArgs]
	pool     *pgxpool.Pool
	kafka    *Kafka
	close    func(ctx context.Context, eventID int64) error
	tell     func(topic string, refused *Refusal) // RelayConfig.Report
	log      *slog.Logger
	refusals refusals
	after    func(time.Duration, func()) // calls the function later; tests call it themselves
}

// NewRelayWorker makes a RelayWorker, or returns an error that says what c lacks.
func NewRelayWorker(c RelayConfig) (*RelayWorker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &RelayWorker{
		pool: c.Pool, kafka: c.Kafka, close: c.Close, tell: c.Report,
		log:   cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		after: func(d time.Duration, f func()) { time.AfterFunc(d, f) },
	}, nil
}

// Close ends a worker whose jobs have ended: it logs nothing from now on.
func (w *RelayWorker) Close() { w.refusals.forget() }

// Work publishes the targets of the job's chunks that its mode names, and marks them (T3).
//
// The job is completed only in a transaction that checks the attempt. An attempt that has lost its job returns an
// error, since River would take its success for that of the attempt that runs now.
func (w *RelayWorker) Work(ctx context.Context, job *river.Job[RelayArgs]) error {
	b, err := pg.Value(ctx, w.pool, func(tx pgx.Tx) (batch, error) { return readBatch(ctx, tx, job.Args) })
	if err != nil {
		return err
	}
	if b.braked {
		return river.JobSnooze(brakeSleep)
	}
	if err := failpoint.Hit(ctx, failpoint.RelayRead); err != nil {
		return err
	}
	acked, err := w.publish(ctx, b, job, time.Now().Add(publishBudget))
	if acked == 0 && err != nil {
		if ctx.Err() != nil {
			return err // another attempt may have the job, and a snooze would take it away
		}
		return river.JobSnooze(kafkaAway)
	}
	if err := failpoint.Hit(ctx, failpoint.RelayAfterAck); err != nil {
		return err
	}
	// Acknowledged messages are marked even if the job's time is up: the check of the attempt decides whether they may.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markBudget)
	defer cancel()
	last, err := pg.Value(ctx, w.pool, func(tx pgx.Tx) (bool, error) { return w.mark(ctx, tx, job, b, acked) })
	if err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.RelayAfterCommit); err != nil || !last {
		return err
	}
	return w.close(ctx, job.Args.EventID)
}

const (
	// After publishBudget a job begins no further message, and makes a job of the rest. A publish cannot be cancelled,
	// and the last one and the mark must end before the job's time is up.
	publishBudget = 4 * time.Second
	markBudget    = 5 * time.Second
)

// publish writes the batch's messages in their order and returns how many Kafka has taken. The error is of the next
// one. After until it begins no message but the first.
func (w *RelayWorker) publish(ctx context.Context, b batch, job *river.Job[RelayArgs],
	until time.Time,
) (acked int, err error) {
	topic := w.kafka.Topic(b.eventType)
	if job.Args.Mode == Retry || job.Args.Mode == Redrive {
		topic = w.kafka.DeadLetter(b.eventType)
	}
	for i, m := range b.messages {
		if i > 0 && time.Now().After(until) || ctx.Err() != nil {
			return i, ctx.Err()
		}
		if i > 0 { // an error means that Kafka takes no more of them
			if err := failpoint.Hit(ctx, failpoint.RelayBetween); err != nil {
				return i, err
			}
		}
		m.ID = strconv.FormatInt(job.ID, 10) + "-" + strconv.Itoa(job.Attempt) + "-" + strconv.Itoa(i)
		m.Trace = newTrace()
		err := w.kafka.publish(topic, m, time.Now())
		w.report(ctx, topic, m, err)
		if err != nil {
			return i, err
		}
	}
	return len(b.messages), nil
}

// mark completes the job and marks the targets, in one transaction under the event's gate. It marks the messages that
// Kafka has acknowledged, in any status of the event; the others become a job of their own.
func (w *RelayWorker) mark(ctx context.Context, tx pgx.Tx, job *river.Job[RelayArgs], b batch,
	acked int,
) (last bool, err error) {
	if err := pg.LockShared(ctx, tx, pg.Gate, job.Args.EventID); err != nil {
		return false, err
	}
	if err := completeFenced(ctx, tx, job); err != nil {
		return false, err
	}
	e, err := selectRelayed(ctx, tx, job.Args.EventID)
	if err != nil {
		return false, err
	}
	if b.asleep && e.works(job.Args.Mode) {
		return false, errAwake
	}
	done, err := w.leave(ctx, tx, job.Args, b, acked, e.stoppedAt)
	if err != nil {
		return false, err
	}
	if acked > 0 {
		if last, err = markPublished(ctx, tx, b, done); err != nil {
			return false, err
		}
	}
	return last, failpoint.Hit(ctx, failpoint.RelayBeforeCommit)
}

// leave makes jobs of what is left to do, and returns the part that is done. Something is left if Kafka did not take
// all of it, or if the event was stopped during the publish.
func (w *RelayWorker) leave(ctx context.Context, tx pgx.Tx, done RelayArgs, b batch, acked int,
	stoppedAt time.Time,
) (RelayArgs, error) {
	if acked < len(b.messages) {
		args := done
		done.LastID = b.messages[acked-1].Chunk.Last
		if err := w.handOn(ctx, tx, args, done.LastID+1); err != nil {
			return done, err
		}
	}
	if acked > 0 && !stoppedAt.Equal(b.stoppedAt) {
		return done, w.republishUnsettled(ctx, tx, done)
	}
	return done, nil
}

// handOn makes a job of the rest of a, from the target with id first on.
func (w *RelayWorker) handOn(ctx context.Context, tx pgx.Tx, a RelayArgs, first int64) error {
	rest := domain.Run{EventID: a.EventID, PartitionKey: a.PartitionKey, First: first, Last: a.LastID}
	if err := EnqueueAt(ctx, tx, river.ClientFromContext[pgx.Tx](ctx), rest, a.Mode, a.Try,
		time.Now().Add(time.Second)); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.RelayHandedOn)
}

// republishUnsettled makes a job that republishes those of a's targets that are not settled. The event was stopped
// during the publish: a handler may have dropped the messages then, and a resume has counted on this job.
func (w *RelayWorker) republishUnsettled(ctx context.Context, tx pgx.Tx, a RelayArgs) error {
	mode := Unsettled
	if a.Mode == Redrive {
		mode = Redrive
	}
	all := domain.Run{EventID: a.EventID, PartitionKey: a.PartitionKey, First: a.FirstID, Last: a.LastID}
	if err := EnqueueAt(ctx, tx, river.ClientFromContext[pgx.Tx](ctx), all, mode, 0,
		time.Now().Add(time.Second)); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.RelayAskedAgain)
}

// errAwake means that the event was resumed after the job had found it stopped, and that the resume counted on the job.
// The gate is held, so no resume can come between this check and the job's completion.
var errAwake = errors.New("event was resumed meanwhile")

// completeFenced completes the job in tx if this attempt still has it. JobCompleteTx alone also returns nil for an
// attempt whose job was rescued and runs again.
func completeFenced[T river.JobArgs](ctx context.Context, tx pgx.Tx, job *river.Job[T]) error {
	row, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
	if err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	if row.State != rivertype.JobStateCompleted || row.Attempt != job.Attempt {
		return ErrFenced
	}
	return nil
}

// batch holds the messages of one relay job: one for each chunk with a target to publish.
type batch struct {
	eventType domain.EventType
	total     int64 // the event's targets
	messages  []Message
	stoppedAt time.Time // the event's last stop
	asleep    bool      // the event was not running, so nothing was read
	braked    bool      // a brake holds the event, so nothing was read
}
