package types

import (
	"context"
	"fmt"
	"slices"

	"bestow/app/eventrow"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// selectType reads a type. Error: domain.NotFound.
func selectType(ctx context.Context, tx pgx.Tx, code string) (Type, error) {
	all, err := eventrow.AllTypes(ctx, tx)
	if err != nil {
		return Type{}, err
	}
	i := slices.IndexFunc(all, func(t Type) bool { return t.Code == code })
	if i < 0 {
		return Type{}, noType()
	}
	return all[i], nil
}

// lockType locks a type for a change, and reads it. Events of it may be made meanwhile. Error: domain.NotFound.
func lockType(ctx context.Context, tx pgx.Tx, code string) (Type, error) {
	if !domain.ValidTypeCode(code) {
		return Type{}, noType()
	}
	if _, err := tx.Exec(ctx, `SELECT FROM event_types WHERE code = $1 FOR NO KEY UPDATE`, code); err != nil {
		return Type{}, fmt.Errorf("lock event type: %w", err)
	}
	return selectType(ctx, tx, code)
}

// insertType keeps a new type. made is false if the code is taken.
func insertType(ctx context.Context, tx pgx.Tx, t Type) (made bool, err error) {
	const insert = `INSERT INTO event_types (code, label, granter, operation, topic, state, unit,
			max_per_member, max_per_event, max_count)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8::bigint, 0), nullif($9::bigint, 0), nullif($10::int, 0))
		ON CONFLICT DO NOTHING`
	tag, err := tx.Exec(ctx, insert, t.Code, t.Label, t.Granter, t.Operation, t.Topic, t.State, t.Unit,
		t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count)
	if err != nil {
		return false, fmt.Errorf("insert event type %s: %w", t.Code, err)
	}
	return tag.RowsAffected() == 1, nil
}

// tablesTaken reports whether tables that are not the type's have the names of its tables.
func tablesTaken(ctx context.Context, tx pgx.Tx, t Type) (taken bool, err error) {
	const query = `SELECT to_regclass($1) IS NOT NULL OR to_regclass($2) IS NOT NULL`
	if err := tx.QueryRow(ctx, query, t.TargetTable(), t.ResultTable()).Scan(&taken); err != nil {
		return false, fmt.Errorf("look for tables of event type %s: %w", t.Code, err)
	}
	return taken, nil
}

// updateType writes what may change of a type.
func updateType(ctx context.Context, tx pgx.Tx, t Type) error {
	const update = `UPDATE event_types SET label = $2, unit = nullif($3, ''), max_per_member = nullif($4::bigint, 0),
			max_per_event = nullif($5::bigint, 0), max_count = nullif($6::int, 0), limits_seeded = $7, state = $8,
			updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, t.Code, t.Label, t.Unit, t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count,
		t.Limits.Seeded, t.State); err != nil {
		return fmt.Errorf("update event type %s: %w", t.Code, err)
	}
	return nil
}

// setReady ends the making of a type that has its tables.
func setReady(ctx context.Context, pool *pgxpool.Pool, code string) error {
	const update = `UPDATE event_types SET state = 'READY', updated_at = now() WHERE code = $1 AND state = 'TABLES'`
	if _, err := pool.Exec(ctx, update, code); err != nil {
		return fmt.Errorf("make event type %s ready: %w", code, err)
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
