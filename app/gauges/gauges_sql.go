package gauges

import (
	"context"
	"fmt"

	"bestow/app/eventrow"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

const (
	eventsSQL = `SELECT e.event_type, e.event_status, count(*), sum(e.total_count), sum(s.published_count), sum(s.success_count),
			sum(s.fail_count)
		FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id GROUP BY 1, 2 ORDER BY 1, 2`
	// A chunk keeps its first claim for ever. Its row changes when it is claimed, and when its claim ends.
	partitionsSQL = `SELECT coalesce(c.topic, ''), coalesce(c.kafka_partition, 0),
			coalesce(sum(c.target_count) FILTER (WHERE c.claimed_at IS NULL), 0),
			coalesce(extract(epoch FROM clock_timestamp() - min(c.published_at) FILTER (WHERE c.claimed_at IS NULL)), 0)::float8,
			coalesce(extract(epoch FROM clock_timestamp() - min(c.updated_at) FILTER (WHERE c.claim_token IS NOT NULL)), 0)::float8
		FROM grant_chunks c JOIN campaign_events e ON e.id = c.event_id
		WHERE e.event_status = 'RUNNING' AND c.published_at IS NOT NULL AND c.settled_at IS NULL
		GROUP BY 1, 2 ORDER BY 1, 2`
	unlinkedSQL = `SELECT count(*) FROM audit_log WHERE id > (SELECT coalesce(max(audit_id), 0) FROM audit_chain)`
)

// collect reads the rows of a statement into structs whose fields stand in the order of its columns.
func collect[T any](ctx context.Context, tx pgx.Tx, what, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return all, nil
}

// readWaiting counts, for each type that an event runs of, the results that are not final.
func readWaiting(ctx context.Context, tx pgx.Tx) (all []Waiting, err error) {
	types, err := eventrow.ListTypes(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		query := `SELECT $1::text, r.status, count(*) FROM ` + pg.Quoted(t.ResultTable()) + ` r
			WHERE r.status IN ('FAILED', 'PENDING')
			  AND r.event_id IN (SELECT id FROM campaign_events WHERE event_status = 'RUNNING' AND event_type = $1)
			GROUP BY 2 ORDER BY 2`
		of, err := collect[Waiting](ctx, tx, "unsettled results", query, t.Code)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func readUnlinked(ctx context.Context, tx pgx.Tx) (n int, err error) {
	if err := tx.QueryRow(ctx, unlinkedSQL).Scan(&n); err != nil {
		return 0, fmt.Errorf("count changes without a link: %w", err)
	}
	return n, nil
}
