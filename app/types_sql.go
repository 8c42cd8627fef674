package app

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// selectTypes reads the event types that may be used now, by their codes.
func selectTypes(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := listTypes(ctx, tx)
	if err != nil {
		return nil, err
	}
	types := make(map[string]domain.EventType, len(list))
	for _, t := range list {
		types[t.Code] = t
	}
	return types, nil
}

// listTypes reads the event types that may be used now, in the order of their codes.
func listTypes(ctx context.Context, tx pgx.Tx) ([]domain.EventType, error) {
	const query = `SELECT code, label, granter, operation, topic, coalesce(unit, ''),
			coalesce(max_per_member, 0), coalesce(max_per_event, 0), coalesce(max_count, 0), limits_seeded
		FROM event_types WHERE state = 'READY' ORDER BY code`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t domain.EventType, err error) {
		return t, row.Scan(&t.Code, &t.Label, &t.Granter, &t.Operation, &t.Topic, &t.Unit,
			&t.Limits.PerMember, &t.Limits.PerEvent, &t.Limits.Count, &t.Limits.Seeded)
	})
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	return list, nil
}

// updateType writes what an operator may change of a type.
func updateType(ctx context.Context, tx pgx.Tx, t domain.EventType) error {
	const update = `UPDATE event_types SET label = $2, unit = nullif($3, ''), max_per_member = nullif($4::bigint, 0),
			max_per_event = nullif($5::bigint, 0), max_count = nullif($6::int, 0), limits_seeded = $7, updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, t.Code, t.Label, t.Unit, t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count, t.Limits.Seeded); err != nil {
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

// selectLargest reads the largest amount of the targets of each event, as its imports have kept it. Events with an import of
// before that was kept are in inexact: only the targets say it of them.
func selectLargest(ctx context.Context, tx pgx.Tx, ids []int64) (largest map[int64]int64, inexact map[int64]bool, err error) {
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

// selectLargestTarget reads the largest amount of the event's targets from the targets themselves.
func selectLargestTarget(ctx context.Context, tx pgx.Tx, e domain.Event) (amount int64, err error) {
	query := `SELECT coalesce(max(amount), 0) FROM ` + quoted(e.Type.TargetTable()) + ` WHERE event_id = $1`
	if err := tx.QueryRow(ctx, query, e.ID).Scan(&amount); err != nil {
		return 0, fmt.Errorf("read largest amount of event %d: %w", e.ID, err)
	}
	return amount, nil
}
