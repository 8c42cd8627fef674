package app

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// updateType writes what an operator may change of a type.
func updateType(ctx context.Context, tx pgx.Tx, t domain.EventType) error {
	const update = `UPDATE event_types SET label = $2, unit = nullif($3, ''), max_per_member = nullif($4::bigint, 0),
			max_per_event = nullif($5::bigint, 0), max_count = nullif($6::int, 0), limits_seeded = $7, updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, t.Code, t.Label, t.Unit, t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count,
		t.Limits.Seeded); err != nil {
		return fmt.Errorf("update event type %s: %w", t.Code, err)
	}
	return nil
}

// seedLimits gives the types of the first migrations wide limits, where they have none at all.
func seedLimits(ctx context.Context, pool *pgxpool.Pool) error {
	const update = `UPDATE event_types SET max_per_member = 10000000, max_per_event = 1000000000000, max_count = 100000000, limits_seeded = true
		WHERE code IN ('POINT', 'VOUCHER') AND coalesce(max_per_member, max_per_event, max_count) IS NULL`
	if _, err := pool.Exec(ctx, update); err != nil {
		return fmt.Errorf("seed limits of event types: %w", err)
	}
	return nil
}
