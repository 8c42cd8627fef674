package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bestow/internal/obs"
	"bestow/money/moneydb"

	"github.com/riverqueue/river"
)

// RunLedgerJobs does the work of the jobs expire, collect and forecast, at once and then regularly, until ctx ends. It
// is for a process that works no jobs, such as a ledger that runs apart. Any number of processes may run it, beside the
// jobs too.
func RunLedgerJobs(ctx context.Context, ledger *moneydb.Ledger, expiryOff bool, log *slog.Logger) {
	var counting sync.WaitGroup
	defer counting.Wait()
	counting.Go(func() { keepForecast(ctx, ledger, log) }) // beside the rest: it reads every lot
	expire := &expireWorker{ledger: ledger, off: expiryOff, until: inHalfTheTime, log: log}
	var collected time.Time
	for ctx.Err() == nil {
		wait := time.Minute
		err := within(ctx, expireTimeout, func(ctx context.Context) error { return expire.Work(ctx, nil) })
		if _, more := errors.AsType[*river.JobSnoozeError](err); more {
			wait, err = 0, nil
		}
		if time.Since(collected) > collectEvery {
			collected = time.Now()
			err = errors.Join(err, within(ctx, jobTimeout,
				func(ctx context.Context) error { return collect(ctx, ledger.Collect) }))
		}
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "expiry or collection failed, the next minute tries again", obs.Err, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// keepForecast counts the forecast whenever it is due, until ctx ends.
func keepForecast(ctx context.Context, ledger *moneydb.Ledger, log *slog.Logger) {
	for ctx.Err() == nil {
		err := within(ctx, forecastTimeout, func(ctx context.Context) error {
			_, err := ledger.CountForecast(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "the forecast was not counted, it is tried again", obs.Err, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(collectEvery):
		}
	}
}

// within bounds do in time, as River bounds a job.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}
