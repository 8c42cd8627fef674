package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// LostWithABackup stands in deleted_events.deleted_by for ids that [PassOver] gives to no event.
const LostWithABackup = "lost with a backup"

// PassOver gives the next n ids to no event, and returns the last of them. After a restore they may be those of events
// that were made since the backup: a ledger elsewhere still has their grants, under keys that name the id, and would
// answer a new event of that id with them. That no event is gone unseen (I42) is kept: each id gets a row in
// deleted_events.
func PassOver(ctx context.Context, tx pgx.Tx, n int) (last int64, err error) {
	const update = `WITH raised AS (
			UPDATE event_ids SET last_id = greatest(last_id, (SELECT coalesce(max(id), 0) FROM campaign_events)) + $1 RETURNING last_id
		), passed AS (
			INSERT INTO deleted_events (event_id, deleted_by)
			SELECT id, $2 FROM raised, generate_series(last_id - $1 + 1, last_id) id
		)
		SELECT last_id FROM raised WHERE setval(pg_get_serial_sequence('campaign_events', 'id'), last_id) IS NOT NULL`
	if err := tx.QueryRow(ctx, update, n, LostWithABackup).Scan(&last); err != nil {
		return 0, fmt.Errorf("pass over %d ids of events: %w", n, err)
	}
	return last, nil
}
