package reports

import (
	"context"
	"fmt"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// FlowStep is the time that each rate of a Flow covers.
const FlowStep = 10 * time.Second

// flowSteps is how many rates a Flow has: ten minutes.
const flowSteps = 60

// Flow says how fast an event went lately, and how far it is in each partition.
type Flow struct {
	At         time.Time // the moment, by the database's clock
	Rates      []Rate    // of whole steps, the oldest first, without a gap; none of an event that was never claimed
	Partitions []Partition
}

// Rate is how many targets were settled a second in the FlowStep from At on, by the moment at which a handler first
// claimed their chunk.
type Rate struct {
	At   time.Time
	PerS float64
}

// Partition is how far an event is in one partition of its topic.
type Partition struct {
	Key     int
	Total   int     // targets
	Settled int     // of them
	Behind  int     // messages that no handler has claimed yet; 0 unless the event is RUNNING
	OldestS float64 // seconds that the first of them waits
}

// Flow reads how fast the event went in the last ten minutes of its granting, and how far each partition is. It touches
// the chunks alone. Error: domain.NotFound.
func (s *Reports) Flow(ctx context.Context, id int64) (Flow, error) {
	return pg.SnapshotWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (f Flow, err error) {
		e, err := eventrow.Select(ctx, tx, id)
		if err != nil {
			return f, err
		}
		if f.At, err = pg.Now(ctx, tx); err != nil {
			return f, err
		}
		running := e.Status == domain.Running
		if f.Partitions, err = readPartitions(ctx, tx, id, running); err != nil {
			return f, err
		}
		f.Rates, err = readRates(ctx, tx, id, running)
		return f, err
	})
}

func readPartitions(ctx context.Context, tx pgx.Tx, id int64, running bool) ([]Partition, error) {
	const query = `SELECT partition_key, sum(target_count), sum(settled_count),
			count(*) FILTER (WHERE $2 AND published_at IS NOT NULL AND claimed_at IS NULL),
			coalesce(extract(epoch FROM now() - min(published_at) FILTER (WHERE $2 AND claimed_at IS NULL))::float8, 0)
		FROM grant_chunks WHERE event_id = $1 GROUP BY 1 ORDER BY 1`
	rows, err := tx.Query(ctx, query, id, running)
	if err != nil {
		return nil, fmt.Errorf("read partitions: %w", err)
	}
	partitions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Partition])
	if err != nil {
		return nil, fmt.Errorf("read partitions: %w", err)
	}
	return partitions, nil
}

// readRates reads the steps up to the last whole one, or, of an event that does not run, to the one of the last claim.
func readRates(ctx context.Context, tx pgx.Tx, id int64, running bool) ([]Rate, error) {
	const query = `WITH settled AS (
			SELECT date_bin($2::interval, claimed_at, 'epoch'::timestamptz) AS step, sum(settled_count) AS n
			FROM grant_chunks WHERE event_id = $1 AND claimed_at IS NOT NULL GROUP BY 1
		), range AS (
			SELECT min(step) AS first,
				CASE WHEN $4 THEN date_bin($2::interval, now(), 'epoch'::timestamptz) - $2::interval ELSE max(step) END AS last
			FROM settled
		)
		SELECT step, coalesce(n, 0) / extract(epoch FROM $2::interval)::float8
		FROM range, generate_series(greatest(first, last - $2::interval * ($3::int - 1)), last, $2::interval) AS step
			LEFT JOIN settled USING (step)
		WHERE first IS NOT NULL
		ORDER BY step`
	rows, err := tx.Query(ctx, query, id, FlowStep, flowSteps, running)
	if err != nil {
		return nil, fmt.Errorf("read rates: %w", err)
	}
	rates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Rate])
	if err != nil {
		return nil, fmt.Errorf("read rates: %w", err)
	}
	return rates, nil
}
