package jobs

import (
	"context"
	"errors"

	"bestow/app"

	"github.com/riverqueue/river"
)

// startDueArgs is empty: the database says what is due.
type startDueArgs struct{}

// Kind is wire format.
func (startDueArgs) Kind() string { return "start_due" }

type startDueWorker struct {
	river.WorkerDefaults[startDueArgs]
	app *app.App
}

// Work stops what runs under a brake, and starts the events whose time has come.
func (w *startDueWorker) Work(ctx context.Context, _ *river.Job[startDueArgs]) error {
	return errors.Join(w.app.Events.StopBraked(ctx), w.app.Events.StartDue(ctx))
}
