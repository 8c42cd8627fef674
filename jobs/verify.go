package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bestow/app"

	"github.com/riverqueue/river"
)

const (
	// verifyTimeout is how long a report may take: one on ten million targets takes minutes.
	verifyTimeout = 30 * time.Minute
	// verifyWait is how long a verification waits for the one that its process is at work on.
	verifyWait = 5 * time.Second
	// verifyAttempts is how often a report is tried, which takes about five minutes.
	verifyAttempts = 20
)

type verifyWorker struct {
	river.WorkerDefaults[app.VerifyArgs]
	app  *app.App
	turn chan struct{} // holds one: reports take minutes, and the other workers of the queue are the timetable's
}

func newVerifyWorker(a *app.App) *verifyWorker {
	return &verifyWorker{app: a, turn: make(chan struct{}, 1)}
}

// Timeout is the kind's own, which River's rescue honours.
func (w *verifyWorker) Timeout(*river.Job[app.VerifyArgs]) time.Duration { return verifyTimeout }

// Work makes the report. It cancels the job of a report that takes too long, which would take too long again, and of
// one that failed at all of its attempts. A person can then request another.
func (w *verifyWorker) Work(ctx context.Context, job *river.Job[app.VerifyArgs]) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	default:
		return river.JobSnooze(verifyWait)
	}
	var asker app.Asker
	if err := json.Unmarshal(job.Metadata, &asker); err != nil {
		return fmt.Errorf("read who asked for a report: %w", err)
	}
	err := w.app.Reports.MakeReport(ctx, job.Args.EventID, asker.By)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return river.JobCancel(fmt.Errorf("verify event %d for %s: %w", job.Args.EventID, verifyTimeout, err))
	}
	if err != nil && ctx.Err() == nil && job.Attempt >= verifyAttempts {
		return river.JobCancel(fmt.Errorf("verify event %d, %d attempts: %w", job.Args.EventID, job.Attempt, err))
	}
	return err
}
