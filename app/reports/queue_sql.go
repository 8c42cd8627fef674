package reports

import (
	"context"
	"fmt"

	"bestow/app/eventrow"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// selectReserved reads the events that run or wait in a lane: in the order of their turns.
func selectReserved(ctx context.Context, tx pgx.Tx) ([]domain.Event, error) {
	const where = ` WHERE e.reservation_at IS NOT NULL AND e.event_status IN ('PENDING', 'RUNNING') ORDER BY ` +
		eventrow.Turn
	rows, err := tx.Query(ctx, `SELECT `+eventrow.Columns+` FROM `+eventrow.Tables+where)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	events, err := pgx.CollectRows(rows, eventrow.Scan)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	return events, nil
}
