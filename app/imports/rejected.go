package imports

import (
	"context"
	"fmt"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// rejectedPage says how many rejected rows are read at a time: no connection is held while a slow client takes them,
// and rows of 64 KiB each stay below 16 MiB together.
const rejectedPage = 250

// Rejected hands each rejected row of an import to each, in the order of their lines, for any number with flat memory.
// An error of each ends it and is returned. Error: domain.NotFound.
func (s *Imports) Rejected(ctx context.Context, eventID, importID int64, each func(RejectedRow) error) (Record, error) {
	record, err := pg.Value(ctx, s.pool,
		func(tx pgx.Tx) (Record, error) { return selectImport(ctx, tx, eventID, importID) })
	if err != nil {
		return record, err
	}
	for line := int64(0); ; {
		page, err := s.rejectedAfter(ctx, importID, line)
		if err != nil || len(page) == 0 {
			return record, err
		}
		for _, row := range page {
			if err := each(row); err != nil {
				return record, err
			}
		}
		line = page[len(page)-1].Line
	}
}

func (s *Imports) rejectedAfter(ctx context.Context, importID, line int64) ([]RejectedRow, error) {
	const query = `SELECT line, coalesce(first_line, 0), error_code, reason, raw FROM rejected_rows
		WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`
	rows, err := s.pool.Query(ctx, query, importID, line, rejectedPage)
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	page, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	return page, nil
}
