package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// undigestedImports are the events with imports of a version that kept no digests.
func undigestedImports(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	const query = `SELECT DISTINCT event_id FROM imports WHERE digest IS NULL AND ($1::bigint IS NULL OR event_id = $1) ORDER BY event_id`
	rows, err := tx.Query(ctx, query, v.event)
	if err != nil {
		return nil, fmt.Errorf("read imports without a digest: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read imports without a digest: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return []Gap{gapOf("an older version made the import and kept no digest: its file's name, size and hash and its rejected rows are not compared", ids)}, nil
}
