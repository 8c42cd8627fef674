package processes

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Queue is a queue of River.
type Queue struct {
	Name   string
	Next   *time.Time // since when its next job could be worked; nil: none waits
	Paused bool
}

// Queues reads the queues by name, with the next job of each that could be worked now: one probe of an index each.
func Queues(ctx context.Context, tx pgx.Tx) ([]Queue, error) {
	const query = `SELECT q.name, (
				SELECT scheduled_at FROM river.river_job
				WHERE state = 'available' AND queue = q.name AND scheduled_at <= now()
				ORDER BY priority, scheduled_at, id LIMIT 1),
			q.paused_at IS NOT NULL
		FROM river.river_queue q ORDER BY q.name`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read queues: %w", err)
	}
	queues, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Queue])
	if err != nil {
		return nil, fmt.Errorf("read queues: %w", err)
	}
	return queues, nil
}

// Leader reads which River client schedules and rescues; "": none.
func Leader(ctx context.Context, tx pgx.Tx) (leader string, err error) {
	const query = `SELECT coalesce((SELECT leader_id FROM river.river_leader WHERE expires_at > now()), '')`
	if err := tx.QueryRow(ctx, query).Scan(&leader); err != nil {
		return "", fmt.Errorf("read river's leader: %w", err)
	}
	return leader, nil
}
