package eventrow

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// ReadyTypes reads the event types of which events can be made, by their codes.
func ReadyTypes(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := listTypes(ctx, tx, "READY")
	if err != nil {
		return nil, err
	}
	return byCode(list), nil
}

// Types reads the event types that may have events, retired ones too, by their codes.
func Types(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := ListTypes(ctx, tx)
	if err != nil {
		return nil, err
	}
	return byCode(list), nil
}

// ListTypes reads the event types that may have events, retired ones too, in the order of their codes.
func ListTypes(ctx context.Context, tx pgx.Tx) ([]domain.EventType, error) {
	return listTypes(ctx, tx, "READY", "RETIRED")
}

func byCode(list []domain.EventType) map[string]domain.EventType {
	types := make(map[string]domain.EventType, len(list))
	for _, t := range list {
		types[t.Code] = t
	}
	return types
}

// listTypes reads the event types in one of the states, in the order of their codes.
func listTypes(ctx context.Context, tx pgx.Tx, states ...string) ([]domain.EventType, error) {
	const query = `SELECT code, label, granter, operation, topic, coalesce(unit, ''),
			coalesce(max_per_member, 0), coalesce(max_per_event, 0), coalesce(max_count, 0), limits_seeded
		FROM event_types WHERE state = ANY ($1) ORDER BY code`
	rows, err := tx.Query(ctx, query, states)
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
