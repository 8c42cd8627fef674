package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// readRiver reads who leads, and the next job of each queue that could be worked now: one probe of an index each.
func readRiver(ctx context.Context, tx pgx.Tx, r *River) error {
	const leader = `SELECT coalesce((SELECT leader_id FROM river.river_leader WHERE expires_at > now()), '')`
	if err := tx.QueryRow(ctx, leader).Scan(&r.Leader); err != nil {
		return fmt.Errorf("read river's leader: %w", err)
	}
	const oldest = `SELECT q.name, j.scheduled_at FROM river.river_queue q CROSS JOIN LATERAL (
			SELECT scheduled_at FROM river.river_job WHERE state = 'available' AND queue = q.name AND scheduled_at <= now()
			ORDER BY priority, scheduled_at, id LIMIT 1) j ORDER BY q.name`
	rows, err := tx.Query(ctx, oldest)
	if err != nil {
		return fmt.Errorf("read queues: %w", err)
	}
	r.Oldest = map[string]time.Time{}
	var (
		queue string
		at    time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&queue, &at}, func() error {
		r.Oldest[queue] = at
		return nil
	})
	if err != nil {
		return fmt.Errorf("read queues: %w", err)
	}
	return nil
}

// selectGranters reads the ledgers that event types name.
func selectGranters(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT granter FROM event_types ORDER BY granter`)
	if err != nil {
		return nil, fmt.Errorf("read granters: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read granters: %w", err)
	}
	return names, nil
}
