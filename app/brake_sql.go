package app

import (
	"context"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// upsertBrake writes the brake's row, or returns the one that stands. fresh reports whether it was written.
func upsertBrake(ctx context.Context, tx pgx.Tx, b domain.Brake) (stands domain.Brake, fresh bool, err error) {
	// A row that was inserted has no xmax; one that was there is locked, so that no release takes it away meanwhile.
	const upsert = `INSERT INTO brakes (scope, by, memo) VALUES ($1, $2, $3)
		ON CONFLICT (scope) DO UPDATE SET scope = excluded.scope RETURNING by, memo, at, xmax = 0`
	if err := tx.QueryRow(ctx, upsert, b.Scope, b.By, b.Memo).Scan(&b.By, &b.Memo, &b.Since, &fresh); err != nil {
		return b, false, fmt.Errorf("engage brake: %w", err)
	}
	return b, fresh, nil
}

// deleteBrake releases the brake of a scope, and reports whether it was engaged.
func deleteBrake(ctx context.Context, tx pgx.Tx, scope domain.BrakeScope) (engaged bool, err error) {
	tag, err := tx.Exec(ctx, `DELETE FROM brakes WHERE scope = $1`, scope)
	if err != nil {
		return false, fmt.Errorf("release brake: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// selectClaimedIn lists the events in the scope of which claims are open, as a redrive of a COMPLETED one may have. No
// index leads to them, since it would cost every claim: where a million chunks are kept it takes seconds, and no lock
// meanwhile.
func selectClaimedIn(ctx context.Context, pool *pgxpool.Pool, scope domain.BrakeScope) ([]int64, error) {
	const query = `SELECT e.id FROM campaign_events e
		WHERE $1 IN ('all', 'type:' || e.event_type)
		  AND EXISTS (SELECT FROM grant_chunks c WHERE c.event_id = e.id AND c.open_until > clock_timestamp())`
	return selectIDs(ctx, pool, query, scope)
}

// selectRunningIn lists the running events in the scope.
func selectRunningIn(ctx context.Context, pool *pgxpool.Pool, scope domain.BrakeScope) ([]int64, error) {
	const query = `SELECT id FROM campaign_events WHERE event_status = 'RUNNING' AND $1 IN ('all', 'type:' || event_type) ORDER BY id`
	return selectIDs(ctx, pool, query, scope)
}

// countOpenClaims counts the open claims of each of the events that has any.
func countOpenClaims(ctx context.Context, pool *pgxpool.Pool, ids []int64) (map[int64]int, error) {
	const query = `SELECT event_id, count(*) FROM grant_chunks WHERE event_id = ANY ($1) AND open_until > clock_timestamp() GROUP BY event_id`
	rows, err := pool.Query(ctx, query, ids)
	if err != nil {
		return nil, fmt.Errorf("count open claims: %w", err)
	}
	open := map[int64]int{}
	var (
		id int64
		n  int
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		open[id] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count open claims: %w", err)
	}
	return open, nil
}
