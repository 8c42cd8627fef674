package jobs

import (
	"context"
	"time"

	"bestow/money"

	"github.com/riverqueue/river"
)

// collectArgs is empty: the ledger says who owes.
type collectArgs struct{}

// Kind is wire format.
func (collectArgs) Kind() string { return "collect" }

type collectWorker struct {
	river.WorkerDefaults[collectArgs]
	ledger *money.Ledger
}

// Work takes what members owe from the points that they have. The rest waits for the next run: each member of this one has
// paid what can be paid. A member from whom it cannot take does not stop the others.
func (w *collectWorker) Work(ctx context.Context, _ *river.Job[collectArgs]) error {
	var failed error
	after := ""
	for until := inHalfTheTime(); time.Now().Before(until); {
		done, err := w.ledger.Collect(ctx, after)
		if failed == nil {
			failed = err // one is enough to be told
		}
		if done.Members == 0 {
			break
		}
		after = done.Last
	}
	return failed
}
