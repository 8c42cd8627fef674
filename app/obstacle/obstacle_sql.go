package obstacle

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// LargestAmounts reads the largest amount of the targets of each event, as its imports have kept it. Events with an
// import of before that was kept are in inexact: only the targets say it of them.
func LargestAmounts(ctx context.Context, tx pgx.Tx,
	ids []int64,
) (largest map[int64]int64, inexact map[int64]bool, err error) {
	const query = `SELECT event_id, coalesce(max(max_amount), 0), bool_or(max_amount IS NULL) FROM imports
		WHERE event_id = ANY ($1) GROUP BY event_id`
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("read largest amounts: %w", err)
	}
	largest, inexact = map[int64]int64{}, map[int64]bool{}
	var (
		id, amount int64
		unknown    bool
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &amount, &unknown}, func() error {
		largest[id], inexact[id] = amount, unknown
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read largest amounts: %w", err)
	}
	return largest, inexact, nil
}

// largestTarget reads the largest amount of the event's targets from the targets themselves.
func largestTarget(ctx context.Context, tx pgx.Tx, e domain.Event) (amount int64, err error) {
	query := `SELECT coalesce(max(amount), 0) FROM ` + pg.Quoted(e.Type.TargetTable()) + ` WHERE event_id = $1`
	if err := tx.QueryRow(ctx, query, e.ID).Scan(&amount); err != nil {
		return 0, fmt.Errorf("read largest amount of event %d: %w", e.ID, err)
	}
	return amount, nil
}

// Brakes lists the engaged brakes, that of all events first.
func Brakes(ctx context.Context, tx pgx.Tx) ([]domain.Brake, error) {
	rows, err := tx.Query(ctx, `SELECT scope, by, memo, at FROM brakes ORDER BY scope <> 'all', scope`)
	if err != nil {
		return nil, fmt.Errorf("read brakes: %w", err)
	}
	brakes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Brake])
	if err != nil {
		return nil, fmt.Errorf("read brakes: %w", err)
	}
	return brakes, nil
}
