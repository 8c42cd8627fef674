package jobs

import (
	"context"
	"fmt"
	"time"

	"bestow/app/reports"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// RescueAfter is the time after which River gives a job to another process, if the job's own time-out is over too.
const RescueAfter = rescueAfter

// stuckAfter is the time after which a job should have ended or been rescued: the rescue looks every half minute.
const stuckAfter = 5 * time.Minute

// Stuck is a job that has been running for longer than River lets one run.
type Stuck struct {
	ID     int64
	Kind   string
	For    time.Duration
	Client string // the River client that works it
	All    int64  // how many such jobs there are
}

// ReadStuck returns the job that has been stuck for the longest time, nil if none is. A report and a forecast may run
// for half an hour.
func ReadStuck(ctx context.Context, pool *pgxpool.Pool) (*Stuck, error) {
	const query = `SELECT id, kind, clock_timestamp() - attempted_at, attempted_by[cardinality(attempted_by)],
			count(*) OVER ()
		FROM river.river_job WHERE state = 'running' AND attempted_at < clock_timestamp() - $1::interval
			- CASE WHEN kind = ANY ($2) THEN $3::interval ELSE '0' END
		ORDER BY attempted_at LIMIT 1`
	rows, err := pool.Query(ctx, query, stuckAfter, []string{reports.VerifyArgs{}.Kind(), forecastArgs{}.Kind()},
		max(verifyTimeout, forecastTimeout))
	if err != nil {
		return nil, fmt.Errorf("read stuck jobs: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Stuck])
	if err != nil {
		return nil, fmt.Errorf("read stuck jobs: %w", err)
	}
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // that none is stuck is no error
	}
	return &all[0], nil
}
