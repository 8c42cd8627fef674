package jobs

import (
	"context"
	"log/slog"

	"bestow/app"
	"bestow/internal/obs"

	"github.com/riverqueue/river"
)

// rescueArgs is empty: the database says what is stuck.
type rescueArgs struct{}

// Kind is wire format.
func (rescueArgs) Kind() string { return "rescue" }

type rescueWorker struct {
	river.WorkerDefaults[rescueArgs]
	app *app.App
	log *slog.Logger
}

// Work lets the verifications run again whose process was killed.
func (w *rescueWorker) Work(ctx context.Context, _ *river.Job[rescueArgs]) error {
	verifications, err := w.app.Reports.RescueVerifications(ctx)
	if verifications > 0 {
		w.log.WarnContext(ctx, "verifications of processes that are gone run again", obs.Count, verifications)
	}
	return err
}
