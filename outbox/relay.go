package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// kafkaAway is how long a job sleeps when Kafka did not take its messages. A snooze consumes no attempt.
const kafkaAway = 5 * time.Second

// ErrFenced is what an attempt gets whose job was given to another attempt meanwhile: nothing of the first may stay.
var ErrFenced = errors.New("relay job was taken over by another attempt")

// RelayWorker works RelayArgs: it reads what is to be published, publishes it, and marks what Kafka has acknowledged.
type RelayWorker struct {
	river.WorkerDefaults[RelayArgs]
	Pool  *pgxpool.Pool
	Kafka *Kafka
	Log   *slog.Logger
}

// Work publishes the targets of the job's chunks that its mode names, and marks them (T3).
//
// Every way out that completes the job does so in a transaction that is fenced by the attempt; an attempt that has lost
// its job returns an error, since River would let its success complete the attempt that runs now.
func (w *RelayWorker) Work(ctx context.Context, job *river.Job[RelayArgs]) error {
	b, err := pg.Value(ctx, w.Pool, func(tx pgx.Tx) (batch, error) { return readBatch(ctx, tx, job.Args) })
	if err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.RelayRead); err != nil {
		return err
	}
	if err := w.publish(b, job); err != nil {
		w.Log.WarnContext(ctx, "kafka did not take a chunk, the job sleeps", obs.EventID, job.Args.EventID, obs.JobID, job.ID, obs.Err, err)
		return river.JobSnooze(kafkaAway)
	}
	if err := failpoint.Hit(ctx, failpoint.RelayAfterAck); err != nil {
		return err
	}
	if err := pg.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return w.mark(ctx, tx, job, b) }); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.RelayAfterCommit)
}

func (w *RelayWorker) publish(b batch, job *river.Job[RelayArgs]) error {
	topic := w.Kafka.Topic(b.eventType)
	if job.Args.Mode == Retry || job.Args.Mode == Redrive {
		topic = w.Kafka.DeadLetter(b.eventType)
	}
	for i, m := range b.messages {
		m.ID = strconv.FormatInt(job.ID, 10) + "-" + strconv.Itoa(job.Attempt) + "-" + strconv.Itoa(i)
		m.Trace = newTrace()
		if err := w.Kafka.publish(topic, m, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// mark completes the job and marks the targets, in one transaction under the event's gate. It marks what Kafka has
// acknowledged, whatever the event's status is by now.
func (w *RelayWorker) mark(ctx context.Context, tx pgx.Tx, job *river.Job[RelayArgs], b batch) error {
	if err := pg.LockShared(ctx, tx, pg.Gate, job.Args.EventID); err != nil {
		return err
	}
	if err := completeFenced(ctx, tx, job); err != nil {
		return err
	}
	if b.asleep {
		if err := stillAsleep(ctx, tx, job.Args); err != nil {
			return err
		}
	}
	if len(b.messages) > 0 {
		if err := markPublished(ctx, tx, b.eventType, job.Args); err != nil {
			return err
		}
	}
	return failpoint.Hit(ctx, failpoint.RelayBeforeCommit)
}

// errAwake: the event was resumed after the job had found it stopped, and the resume counted on the job.
var errAwake = errors.New("event was resumed meanwhile")

// stillAsleep returns errAwake if the event runs by now. The gate is held, so that no resume can come between this and the
// job's completion.
func stillAsleep(ctx context.Context, tx pgx.Tx, a RelayArgs) error {
	e, err := selectRelayed(ctx, tx, a.EventID)
	if err != nil {
		return err
	}
	if e.works(a.Mode) {
		return errAwake
	}
	return nil
}

// completeFenced completes the job in tx, or fails: JobCompleteTx alone also returns nil for an attempt whose job was
// rescued and runs again.
func completeFenced(ctx context.Context, tx pgx.Tx, job *river.Job[RelayArgs]) error {
	row, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
	if err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	if row.State != rivertype.JobStateCompleted || row.Attempt != job.Attempt {
		return ErrFenced
	}
	return nil
}

// batch is what one relay job publishes: a message for each chunk that has something left.
type batch struct {
	eventType domain.EventType
	messages  []Message
	asleep    bool // the event did not run, so nothing was read
}
