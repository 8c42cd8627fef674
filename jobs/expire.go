package jobs

import (
	"context"
	"log/slog"
	"time"

	"bestow/internal/obs"
	"bestow/money/moneydb"

	"github.com/riverqueue/river"
)

type expireWorker struct {
	river.WorkerDefaults[expireArgs]
	ledger *moneydb.Ledger
	off    bool
	until  func() time.Time // by when a run that begins now must end
	log    *slog.Logger
}

func inHalfTheTime() time.Time { return time.Now().Add(jobTimeout / 2) }

// expireTimeout bounds a run. A run ends by itself after half of jobTimeout, once its current statement has ended. The
// statement that lists may take long: it reads all lots that ran out in a day, most of which have expired already.
const expireTimeout = time.Minute

// Timeout returns the kind's own time-out, which River's rescue honours.
func (w *expireWorker) Timeout(*river.Job[expireArgs]) time.Duration { return expireTimeout }

// Work expires the lots that have run out. If its time is up before all are done, the next run goes on at once. It
// lists lots only when nothing of the list can be worked: a lot that is listed and not worked would be listed again.
func (w *expireWorker) Work(ctx context.Context, _ *river.Job[expireArgs]) error {
	if w.off {
		return nil
	}
	lots := 0
	defer func() { w.tell(ctx, lots) }()
	for until, listed := w.until(), false; time.Now().Before(until); {
		done, err := w.ledger.ExpireDue(ctx)
		if err != nil {
			return err
		}
		lots += done.Lots
		switch {
		case done.Due > done.Left:
			continue
		case listed:
			return nil
		}
		list, err := w.ledger.ListDue(ctx)
		if err != nil {
			return err
		}
		listed = !list.More
	}
	return river.JobSnooze(0)
}

func (w *expireWorker) tell(ctx context.Context, lots int) {
	if lots > 0 {
		w.log.InfoContext(ctx, "lots of points have expired", obs.Count, lots)
	}
}
