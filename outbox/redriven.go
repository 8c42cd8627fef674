package outbox

import (
	"context"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// redrivenQuery finds the chunks with redriven members that have no answer yet. The first condition selects the events,
// the second their chunks c. The difference is written as in its index; otherwise PostgreSQL does not use the index.
const redrivenQuery = `SELECT c.event_id, c.partition_key, c.first_id, c.last_id FROM (SELECT DISTINCT c.*
	FROM %s r
	CROSS JOIN LATERAL (SELECT id, partition_key FROM %s
	      WHERE event_id = r.event_id AND member_id = r.member_id LIMIT 1) t
	CROSS JOIN LATERAL (SELECT event_id, partition_key, first_id, last_id, published_at, open_until, reconciled FROM grant_chunks
	      WHERE event_id = r.event_id AND partition_key = t.partition_key AND first_id <= t.id ORDER BY first_id DESC LIMIT 1) c
	WHERE r.redrive - r.redrive_done > 0 AND r.status = 'PERMANENTLY_FAILED' AND %s) c
	WHERE %s ORDER BY 1, 2, 3`

// The conditions for lost redrives of running and completed events: published, passed by the groups, and in no job.
// Jobs are looked up by chunk, after the members, because a large redrive has many jobs.
const (
	redrivenAtWork = `EXISTS (SELECT FROM campaign_events e WHERE e.id = r.event_id AND e.event_type = $1
	      AND e.event_status IN ('RUNNING', 'COMPLETED'))`
	redrivenLost = `c.published_at < $2
	  AND c.published_at < clock_timestamp() - $3::interval * power(2, least(c.reconciled, 10))
	  AND coalesce(c.open_until <= clock_timestamp(), true)
	  AND NOT EXISTS (SELECT FROM river.river_job j WHERE j.kind = 'relay' AND j.state IN ` + live + `
	      AND j.args @> jsonb_build_object('event_id', c.event_id, 'partition_key', c.partition_key, 'mode', 'redrive')
	      AND (j.args->>'first_id')::bigint <= c.first_id AND (j.args->>'last_id')::bigint >= c.last_id)`
)

// selectRedriven lists the event's chunks with redrives that have no answer yet.
func selectRedriven(ctx context.Context, tx pgx.Tx, t domain.EventType, eventID int64) ([]domain.Chunk, error) {
	return findRedriven(ctx, tx, t, `r.event_id = $1`, `true`, eventID)
}

// selectLostRedrives lists the chunks of running and completed events with redrives that were published before the
// moment that the groups have passed, and have no answer.
func selectLostRedrives(ctx context.Context, tx pgx.Tx, t domain.EventType, passed time.Time,
	patience time.Duration) ([]domain.Chunk, error) {
	return findRedriven(ctx, tx, t, redrivenAtWork, redrivenLost, t.Code, passed, patience)
}

func findRedriven(ctx context.Context, tx pgx.Tx, t domain.EventType, events, chunks string,
	args ...any) ([]domain.Chunk, error) {
	results, targets := pgx.Identifier{t.ResultTable()}.Sanitize(), pgx.Identifier{t.TargetTable()}.Sanitize()
	rows, err := tx.Query(ctx, fmt.Sprintf(redrivenQuery, results, targets, events, chunks), args...)
	if err != nil {
		return nil, fmt.Errorf("read redriven chunks: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("read redriven chunks: %w", err)
	}
	return found, nil
}
