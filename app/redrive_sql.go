package app

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// countOpen counts what a retry would take: rows given up without an open redrive, and refused ones.
func countOpen(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND ($2 = '' OR error_code = $2)
		  AND (status = 'PERMANENTLY_FAILED' AND redrive_done = redrive AND (NOT $4 OR error_code = 'mismatch')
		       OR status = 'FAILED' AND $3)`,
		e.ID, code, e.Status == domain.Running, e.Expired).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count results: %w", err)
	}
	return n, nil
}

// countExpired counts what a retry leaves alone since the event's expiry has passed: all that was given up, but for
// what the ledger contradicted itself about, which it may have granted.
func countExpired(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) (n int, err error) {
	if !e.Expired {
		return 0, nil
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND ($2 = '' OR error_code = $2)
		  AND status = 'PERMANENTLY_FAILED' AND redrive_done = redrive AND error_code <> 'mismatch'`, e.ID,
		code).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count expired results: %w", err)
	}
	return n, nil
}

// markRedrive asks for the next rows that were given up again, in the order of their members, and returns those.
func markRedrive(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code, after string,
	limit int) ([]string, error) {
	table := pg.Quoted(e.Type.ResultTable())
	return selectMembers(ctx, tx, `WITH due AS (
			SELECT ctid AS at FROM `+table+
		` WHERE event_id = $1 AND status = 'PERMANENTLY_FAILED' AND redrive_done = redrive
			  AND ($2 = '' OR error_code = $2) AND (NOT $5 OR error_code = 'mismatch') AND member_id > $3 ORDER BY member_id LIMIT $4 FOR UPDATE),
		marked AS (UPDATE `+table+
		` r SET redrive = redrive + 1, updated_at = now() FROM due WHERE r.ctid = due.at RETURNING member_id)
		SELECT member_id FROM marked ORDER BY member_id`, e.ID, code, after, limit, e.Expired)
}

// selectRefused lists the members who wait for their retry.
func selectRefused(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) ([]string, error) {
	return selectMembers(ctx, tx, `SELECT member_id FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND status = 'FAILED' AND ($2 = '' OR error_code = $2)`, e.ID, code)
}

func selectMembers(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	members, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return members, nil
}

// selectChunksOf lists the chunks in which the members are, each once.
func selectChunksOf(ctx context.Context, tx pgx.Tx, e domain.Event, members []string) ([]domain.Chunk, error) {
	rows, err := tx.Query(ctx,
		`SELECT DISTINCT c.event_id, c.partition_key, c.first_id, c.last_id FROM unnest($2::text[]) u(id)
		CROSS JOIN LATERAL (SELECT id, partition_key FROM `+pg.Quoted(e.Type.TargetTable())+
			` WHERE event_id = $1 AND member_id = u.id LIMIT 1) t
		CROSS JOIN LATERAL (SELECT * FROM grant_chunks WHERE event_id = $1 AND partition_key = t.partition_key AND first_id <= t.id
		                    ORDER BY first_id DESC LIMIT 1) c
		ORDER BY 2, 3`, e.ID, members)
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	return chunks, nil
}
