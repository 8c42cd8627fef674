package reports

import (
	"context"
	"fmt"
	"time"

	"bestow/app/processes"

	"github.com/jackc/pgx/v5"
)

// readRiver reads who leads, and since when the next job of each queue could be worked.
func readRiver(ctx context.Context, tx pgx.Tx, r *River) (err error) {
	if r.Leader, err = processes.Leader(ctx, tx); err != nil {
		return err
	}
	queues, err := processes.Queues(ctx, tx)
	r.Oldest = map[string]time.Time{}
	for _, q := range queues {
		if q.Next != nil {
			r.Oldest[q.Name] = *q.Next
		}
	}
	return err
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
