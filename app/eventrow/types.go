package eventrow

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// Type is an event type and how far it is.
type Type struct {
	domain.EventType

	State domain.TypeState
}

// ReadyTypes reads the event types of which events can be made, by their codes.
func ReadyTypes(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := typesThat(ctx, tx, func(s domain.TypeState) bool { return s == domain.TypeReady })
	return byCode(list), err
}

// Types reads the event types that may have events, retired ones too, by their codes.
func Types(ctx context.Context, tx pgx.Tx) (map[string]domain.EventType, error) {
	list, err := ListTypes(ctx, tx)
	return byCode(list), err
}

// ListTypes reads the event types that may have events, retired ones too, in the order of their codes.
func ListTypes(ctx context.Context, tx pgx.Tx) ([]domain.EventType, error) {
	return typesThat(ctx, tx, domain.TypeState.Made)
}

func byCode(list []domain.EventType) map[string]domain.EventType {
	types := make(map[string]domain.EventType, len(list))
	for _, t := range list {
		types[t.Code] = t
	}
	return types
}

// typesThat reads the event types whose state is one that is wanted, in the order of their codes.
func typesThat(
	ctx context.Context, tx pgx.Tx, wanted func(domain.TypeState) bool,
) (list []domain.EventType, err error) {
	all, err := AllTypes(ctx, tx)
	for _, t := range all {
		if wanted(t.State) {
			list = append(list, t.EventType)
		}
	}
	return list, err
}

// AllTypes reads all event types, those that are being made too, in the order of their codes.
func AllTypes(ctx context.Context, tx pgx.Tx) ([]Type, error) {
	const query = `SELECT code, label, granter, operation, topic, coalesce(unit, ''),
			coalesce(max_per_member, 0), coalesce(max_per_event, 0), coalesce(max_count, 0), limits_seeded, state
		FROM event_types ORDER BY code`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Type, err error) {
		return t, row.Scan(&t.Code, &t.Label, &t.Granter, &t.Operation, &t.Topic, &t.Unit,
			&t.Limits.PerMember, &t.Limits.PerEvent, &t.Limits.Count, &t.Limits.Seeded, &t.State)
	})
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	return list, nil
}
