package verify

import (
	"context"
	"fmt"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// undigestedImports are the events with imports of a version that kept no digests.
func undigestedImports(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	const query = `SELECT DISTINCT event_id FROM public.imports WHERE digest IS NULL AND ($1::bigint IS NULL OR event_id = $1) ORDER BY event_id`
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
	return []Gap{gapOf("an older version made the import and kept no digest: its file's name, "+
		"size and hash and its rejected rows are not compared", ids)}, nil
}

// undigestedRows are the parked messages and stored answers of a version that kept no digests; they are of no one
// event.
func undigestedRows(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	if v.event != nil {
		return nil, nil
	}
	const query = `SELECT (SELECT count(*) FROM public.parked_messages WHERE digest IS NULL), (SELECT count(*) FROM public.idempotency_keys WHERE digest IS NULL)`
	var parked, answers int64
	if err := tx.QueryRow(ctx, query).Scan(&parked, &answers); err != nil {
		return nil, fmt.Errorf("count rows without a digest: %w", err)
	}
	if parked+answers == 0 {
		return nil, nil
	}
	why := fmt.Sprintf("an older version wrote %s and %s and kept no digest: they are not compared",
		english.Count(parked, "parked message"), english.Count(answers, "stored answer"))
	return []Gap{{Why: why}}, nil
}
