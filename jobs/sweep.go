package jobs

import (
	"context"
	"log/slog"

	"bestow/internal/obs"
	"bestow/outbox"

	"github.com/riverqueue/river"
)

// sweepArgs is empty: the database says what is stranded.
type sweepArgs struct{}

// Kind is wire format.
func (sweepArgs) Kind() string { return "sweep" }

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	net *outbox.Net
	log *slog.Logger
}

// Work gives chunks that no job would publish a job. There should be none, so it says so when there are.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	chunks, err := w.net.Sweep(ctx)
	if chunks > 0 {
		w.log.WarnContext(ctx, "chunks without a job were given one", obs.Count, chunks)
	}
	return err
}
