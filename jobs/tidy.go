package jobs

import (
	"context"
	"errors"

	"bestow/app"

	"github.com/riverqueue/river"
)

// tidyArgs is empty: the database says what is left over.
type tidyArgs struct{}

// Kind is wire format.
func (tidyArgs) Kind() string { return "tidy" }

type tidyWorker struct {
	river.WorkerDefaults[tidyArgs]
	app *app.App
}

// Work drops the partitions of deleted events that were too busy to be dropped with them, and the rows of processes that
// were killed.
func (w *tidyWorker) Work(ctx context.Context, _ *river.Job[tidyArgs]) error {
	return errors.Join(w.app.Events.Tidy(ctx), w.app.Processes.Tidy(ctx))
}
