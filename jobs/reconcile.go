package jobs

import (
	"context"
	"log/slog"

	"bestow/internal/obs"
	"bestow/outbox"

	"github.com/riverqueue/river"
)

// reconcileArgs is empty: database and Kafka say what is lost.
type reconcileArgs struct{}

// Kind is wire format.
func (reconcileArgs) Kind() string { return "reconcile" }

type reconcileWorker struct {
	river.WorkerDefaults[reconcileArgs]
	net *outbox.Net
	log *slog.Logger
}

// Work publishes again what Kafka lost.
func (w *reconcileWorker) Work(ctx context.Context, _ *river.Job[reconcileArgs]) error {
	chunks, err := w.net.Reconcile(ctx)
	if chunks > 0 {
		w.log.WarnContext(ctx, "published chunks were lost and are published again", obs.Count, chunks)
	}
	return err
}
