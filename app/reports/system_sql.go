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

// readBehind reads what waits in Kafka of the events that run, by the rows of their chunks: any process can tell that,
// and an answer of Kafka is not needed. A partition in which nothing waits has no row.
func readBehind(ctx context.Context, tx pgx.Tx) ([]Behind, error) {
	const query = `SELECT e.event_type, c.partition_key, count(*), sum(c.target_count),
			extract(epoch FROM now() - min(c.published_at))::float8
		FROM campaign_events e JOIN grant_chunks c ON c.event_id = e.id
		WHERE e.event_status = 'RUNNING' AND c.published_at IS NOT NULL AND c.claimed_at IS NULL
		GROUP BY 1, 2 ORDER BY 1, 2`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read what waits in Kafka: %w", err)
	}
	behind, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Behind])
	if err != nil {
		return nil, fmt.Errorf("read what waits in Kafka: %w", err)
	}
	return behind, nil
}
