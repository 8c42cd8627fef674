package jobs

import (
	"context"

	"bestow/app"

	"github.com/riverqueue/river"
)

// closeDoneArgs is empty: the database says what is done.
type closeDoneArgs struct{}

// Kind is wire format.
func (closeDoneArgs) Kind() string { return "close_done" }

type closeDoneWorker struct {
	river.WorkerDefaults[closeDoneArgs]
	app *app.App
}

// Work closes the events that are done and still run.
func (w *closeDoneWorker) Work(ctx context.Context, _ *river.Job[closeDoneArgs]) error {
	return w.app.Events.CloseDone(ctx)
}
