package jobs

import (
	"context"
	"time"

	"bestow/money"

	"github.com/riverqueue/river"
)

// forecastEvery is the time between two looks at whether a new day has begun, for which what will expire is counted.
const forecastEvery = 10 * time.Minute

// forecastTimeout is how long a count may take: it reads every open lot.
const forecastTimeout = 30 * time.Minute

// forecastArgs is empty: the ledger says whether it is time.
type forecastArgs struct{}

// Kind is wire format.
func (forecastArgs) Kind() string { return "forecast" }

type forecastWorker struct {
	river.WorkerDefaults[forecastArgs]
	ledger *money.Ledger
}

// Timeout is the kind's own, which River's rescue honours.
func (w *forecastWorker) Timeout(*river.Job[forecastArgs]) time.Duration { return forecastTimeout }

// Work counts what will expire, once a day.
func (w *forecastWorker) Work(ctx context.Context, _ *river.Job[forecastArgs]) error {
	_, err := w.ledger.CountForecast(ctx)
	return err
}
