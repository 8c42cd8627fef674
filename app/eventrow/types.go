package eventrow

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// Types reads the event types that may be used now, by their codes.
func Types(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := ListTypes(ctx, tx)
	if err != nil {
		return nil, err
	}
	types := make(map[string]domain.EventType, len(list))
	for _, t := range list {
		types[t.Code] = t
	}
	return types, nil
}

// ListTypes reads the event types that may be used now, in the order of their codes.
func ListTypes(ctx context.Context, tx pgx.Tx) ([]domain.EventType, error) {
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
