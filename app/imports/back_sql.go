package imports

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// deleteImport removes the targets and the chunks of an import, and the import; its rejected rows go with it by their
// foreign key.
func deleteImport(ctx context.Context, tx pgx.Tx, e domain.Event, importID int64) error {
	targets := `DELETE FROM ` + pg.Quoted(e.Type.TargetTable()) + ` t USING grant_chunks c
		WHERE c.event_id = $1 AND c.import_id = $2 AND t.event_id = $1 AND t.partition_key = c.partition_key
		  AND t.id BETWEEN c.first_id AND c.last_id`
	if _, err := tx.Exec(ctx, targets, e.ID, importID); err != nil {
		return fmt.Errorf("delete targets of import %d: %w", importID, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM grant_chunks WHERE event_id = $1 AND import_id = $2`, e.ID, importID); err != nil {
		return fmt.Errorf("delete chunks of import %d: %w", importID, err)
	}
	return pg.ExecOne(ctx, tx, `DELETE FROM imports WHERE event_id = $1 AND id = $2`, e.ID, importID)
}

// subtractTotals takes what an import added from the event's totals.
func subtractTotals(ctx context.Context, tx pgx.Tx, eventID int64, r Record) error {
	const update = `UPDATE campaign_events SET total_count = total_count - $2, total_amount = total_amount - $3, updated_at = now()
		WHERE id = $1 AND event_status = 'PENDING'`
	return pg.ExecOne(ctx, tx, update, eventID, r.Accepted, r.TotalAmount)
}

// countImports counts the imports of an event, and reports whether it has a key for their hashes.
func countImports(ctx context.Context, tx pgx.Tx, eventID int64) (n int, keyed bool, err error) {
	const query = `SELECT (SELECT count(*) FROM imports WHERE event_id = $1), EXISTS (SELECT FROM event_keys WHERE event_id = $1)`
	if err := tx.QueryRow(ctx, query, eventID).Scan(&n, &keyed); err != nil {
		return 0, false, fmt.Errorf("count imports: %w", err)
	}
	return n, keyed, nil
}

func deleteKey(ctx context.Context, tx pgx.Tx, eventID int64) error {
	return pg.ExecOne(ctx, tx, `DELETE FROM event_keys WHERE event_id = $1`, eventID)
}

// recordDeleted says that the import is gone by a person's word.
func recordDeleted(ctx context.Context, tx pgx.Tx, r Record, actor string) error {
	const insert = `INSERT INTO deleted_imports (import_id, event_id, accepted, rejected, total_amount, sha256, deleted_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.Exec(ctx, insert, r.ID, r.EventID, r.Accepted, r.Rejected, r.TotalAmount, r.SHA256, actor)
	if err != nil {
		return fmt.Errorf("record deletion of import %d: %w", r.ID, err)
	}
	return nil
}
