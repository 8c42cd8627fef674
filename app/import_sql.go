package app

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

const importColumns = `id, event_id, created_by, content_type, coalesce(header, ''), sha256, bytes, accepted, rejected, total_amount, created_at`

func scanImport(row pgx.CollectableRow) (r ImportRecord, err error) {
	err = row.Scan(&r.ID, &r.EventID, &r.CreatedBy, &r.ContentType, &r.Header, &r.SHA256, &r.Bytes, &r.Accepted, &r.Rejected,
		&r.TotalAmount, &r.CreatedAt)
	return r, err
}

func selectImports(ctx context.Context, tx pgx.Tx, eventID int64) ([]ImportRecord, error) {
	rows, err := tx.Query(ctx, `SELECT `+importColumns+` FROM imports WHERE event_id = $1 ORDER BY id DESC`, eventID)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanImport)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	return records, nil
}

// selectImport reads one import of an event. Error: domain.NotFound.
func selectImport(ctx context.Context, tx pgx.Tx, eventID, importID int64) (ImportRecord, error) {
	rows, err := tx.Query(ctx, `SELECT `+importColumns+` FROM imports WHERE event_id = $1 AND id = $2`, eventID, importID)
	if err != nil {
		return ImportRecord{}, fmt.Errorf("read import: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanImport)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, &domain.Error{Code: domain.NotFound, Message: fmt.Sprintf("event %d has no import %d", eventID, importID),
			Hint: "list the event's imports"}
	}
	if err != nil {
		return r, fmt.Errorf("read import: %w", err)
	}
	return r, nil
}
