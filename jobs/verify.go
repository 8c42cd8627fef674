package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bestow/app"
	"bestow/app/reports"

	"github.com/riverqueue/river"
)

const (
	// verifyTimeout bounds a report: one on ten million targets takes minutes.
	verifyTimeout = 30 * time.Minute
	// verifyWait bounds the wait for the verification that the process is at work on.
	verifyWait = 5 * time.Second
	// verifyAttempts is the number of attempts at a report, which take about five minutes.
	verifyAttempts = 20
)

type verifyWorker struct {
	river.WorkerDefaults[reports.VerifyArgs]
	app  *app.App
	turn chan struct{} // holds one: reports take minutes, and the timetable needs the queue's other workers
}

func newVerifyWorker(a *app.App) *verifyWorker {
	return &verifyWorker{app: a, turn: make(chan struct{}, 1)}
}

// Timeout returns the kind's own time-out, which River's rescue honours.
func (w *verifyWorker) Timeout(*river.Job[reports.VerifyArgs]) time.Duration { return verifyTimeout }

// Work makes the report. It cancels a job whose report takes too long, since another attempt would too, and one whose
// attempts have all failed. A person can then request another report.
func (w *verifyWorker) Work(ctx context.Context, job *river.Job[reports.VerifyArgs]) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	default:
		return river.JobSnooze(verifyWait)
	}
	var asker reports.Asker
	if err := json.Unmarshal(job.Metadata, &asker); err != nil {
		return fmt.Errorf("read who asked for a report: %w", err)
	}
	err := w.app.Verify.MakeReport(ctx, job.Args.EventID, asker.By)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return river.JobCancel(fmt.Errorf("verify event %d for %s: %w", job.Args.EventID, verifyTimeout, err))
	}
	if err != nil && ctx.Err() == nil && job.Attempt >= verifyAttempts {
		return river.JobCancel(fmt.Errorf("verify event %d, %d attempts: %w", job.Args.EventID, job.Attempt, err))
	}
	return err
}
