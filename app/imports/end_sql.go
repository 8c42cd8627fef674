package imports

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// importer is the application name of a connection while it imports.
const importer = "bestow import"

// selectImporter returns the backend that imports into the event, 0 for none.
func selectImporter(ctx context.Context, tx pgx.Tx, eventID int64) (backend int, err error) {
	holder, held, err := pg.Holder(ctx, tx, pg.Import, eventID, importer)
	if err != nil || !held {
		return 0, err
	}
	return holder, nil
}

// terminateImporter ends the backend if it imports into the event, and reports whether it does not any more.
func terminateImporter(ctx context.Context, tx pgx.Tx, eventID int64, backend int) (ended bool, err error) {
	atWork, err := pg.EndHolder(ctx, tx, pg.Import, eventID, importer, backend)
	if err != nil {
		return false, fmt.Errorf("end import of event %d: %w", eventID, err)
	}
	return !atWork, nil
}

func upsertEnded(ctx context.Context, tx pgx.Tx, eventID int64, by string) error {
	const upsert = `INSERT INTO ended_uploads (event_id, ended_by) VALUES ($1, $2)
		ON CONFLICT (event_id) DO UPDATE SET ended_by = excluded.ended_by, ended_at = clock_timestamp()`
	if _, err := tx.Exec(ctx, upsert, eventID, by); err != nil {
		return fmt.Errorf("note end of import: %w", err)
	}
	return nil
}

// selectEnded returns who has ended an import of the event that began at a moment, "" for no one.
func selectEnded(ctx context.Context, tx pgx.Tx, eventID int64, began time.Time) (by string, err error) {
	const query = `SELECT ended_by FROM ended_uploads WHERE event_id = $1 AND ended_at >= $2`
	err = tx.QueryRow(ctx, query, eventID, began).Scan(&by)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read end of import: %w", err)
	}
	return by, nil
}
