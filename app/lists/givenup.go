package lists

import (
	"context"
	"fmt"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// GivenUp is the members of an event that a retry would take for one error code.
type GivenUp struct {
	Code    string // "" for none
	Members int
	Amount  int64 // of them all
}

// Retryable returns whom a retry of the event would take of those who were given up, by error code, the most first:
// without those that are being tried again, and without those that the ledger can only refuse again since the event's
// expiry has passed. Error: domain.NotFound.
func (s *Lists) Retryable(ctx context.Context, eventID int64) ([]GivenUp, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]GivenUp, error) {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return nil, err
		}
		return selectRetryable(ctx, tx, e)
	})
}

// selectRetryable reads by the index of redrives.
func selectRetryable(ctx context.Context, tx pgx.Tx, e domain.Event) ([]GivenUp, error) {
	query := `SELECT coalesce(error_code, ''), count(*), sum(amount)::bigint FROM ` + pg.Quoted(e.Type.ResultTable()) + `
		WHERE event_id = $1 AND status = 'PERMANENTLY_FAILED' AND redrive - redrive_done = 0
		  AND (NOT $2 OR error_code = 'mismatch')
		GROUP BY 1 ORDER BY 2 DESC, 1`
	rows, err := tx.Query(ctx, query, e.ID, e.Expired)
	if err != nil {
		return nil, fmt.Errorf("count given up members: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[GivenUp])
	if err != nil {
		return nil, fmt.Errorf("count given up members: %w", err)
	}
	return all, nil
}
