package checks

import (
	"context"
	"fmt"

	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// readAction is the action of the audit that keeps what was read.
const readAction = "event.read_checks"

// selectLists reads what the imports of an event found, in the order of the imports.
func selectLists(ctx context.Context, tx pgx.Tx, eventID int64) ([]list, error) {
	const query = `SELECT i.id, f.import_id IS NOT NULL, coalesce(f.rows, 0), coalesce(f.sum, 0), coalesce(f.min, 0),
			coalesce(f.max, 0), f.hist, f.rejected, f.warnings
		FROM imports i LEFT JOIN event_facts f ON f.import_id = i.id WHERE i.event_id = $1 ORDER BY i.id`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("read facts of lists: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanList)
	if err != nil {
		return nil, fmt.Errorf("read facts of lists: %w", err)
	}
	return all, nil
}

func scanList(row pgx.CollectableRow) (l list, err error) {
	f, known := &memberlist.Facts{}, false
	var buckets []int32
	err = row.Scan(&l.id, &known, &f.Rows, &f.Sum, &f.Min, &f.Max, &buckets, &f.Rejected, &l.notices)
	if err == nil && known {
		copy(f.Buckets[:], buckets)
		l.facts = f
	}
	return l, err
}

// selectUsual reads what the last 20 events of the type that began within twelve weeks granted.
func selectUsual(ctx context.Context, tx pgx.Tx, e domain.Event) (u usual, err error) {
	const query = `WITH last AS MATERIALIZED (
			SELECT e.id, e.total_amount FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id
			WHERE e.event_type = $1 AND e.id <> $2 AND s.started_at > now() - interval '12 weeks'
			ORDER BY s.started_at DESC LIMIT 20)
		SELECT count(*), coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY total_amount), 0),
			coalesce((SELECT max(f.max) FROM last JOIN imports i ON i.event_id = last.id
				JOIN event_facts f ON f.import_id = i.id), 0)
		FROM last`
	if err := tx.QueryRow(ctx, query, e.Type.Code, e.ID).Scan(&u.events, &u.sum, &u.most); err != nil {
		return u, fmt.Errorf("read usual amounts: %w", err)
	}
	return u, nil
}

// selectReadings reads who was the first to read each finding of an event, by the findings' keys.
func selectReadings(ctx context.Context, tx pgx.Tx, eventID int64) (map[string]Reading, error) {
	const query = `SELECT DISTINCT ON (key) key, actor, at
		FROM audit_log, jsonb_array_elements_text(after -> 'read') AS key
		WHERE event_id = $1 AND action = $2 ORDER BY key, id`
	rows, err := tx.Query(ctx, query, eventID, readAction)
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", err)
	}
	readings := map[string]Reading{}
	var key string
	var r Reading
	_, err = pgx.ForEachRow(rows, []any{&key, &r.By, &r.At}, func() error {
		readings[key] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", err)
	}
	return readings, nil
}
