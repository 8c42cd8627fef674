package moneydb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Overdue counts the lots of points that are open although their expiry has passed.
type Overdue struct {
	Lots   int64
	Points string // that they have left, a whole number: their sum may be larger than an int64
	Late   int64  // the lots that are more than an hour past their expiry
}

// ReadOverdue counts the overdue lots of the ledger in pool's database.
func ReadOverdue(ctx context.Context, pool *pgxpool.Pool) (o Overdue, err error) {
	const query = `SELECT count(*), coalesce(sum(remaining), 0)::text,
			count(*) FILTER (WHERE expiry_at <= now() - interval '1 hour')
		FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()`
	if err := pool.QueryRow(ctx, query).Scan(&o.Lots, &o.Points, &o.Late); err != nil {
		return o, fmt.Errorf("count overdue lots: %w", err)
	}
	return o, nil
}
