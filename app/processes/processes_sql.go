package processes

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

func upsertProcess(ctx context.Context, pool *pgxpool.Pool, p Process) (oldest bool, err error) {
	reports, err := json.Marshal(p.Reports)
	if err != nil {
		return false, fmt.Errorf("note process: %w", err)
	}
	const upsert = `INSERT INTO processes AS mine (id, roles, version, host, pid, reports, life)
		VALUES ($1::uuid, $2, left($3, 100), left($4, 255), $5, $6::jsonb, $8)
		ON CONFLICT (id) DO UPDATE SET reports = EXCLUDED.reports, life = greatest(mine.life, EXCLUDED.life), seen_at = now()
		RETURNING NOT EXISTS (SELECT FROM processes other
			WHERE other.seen_at > now() - $7::interval AND other.gone < greatest(other.life, 1)
			  AND (other.started_at, other.id) < (mine.started_at, mine.id))`
	err = pool.QueryRow(ctx, upsert, p.ID, p.Roles, p.Version, p.Host, p.PID, string(reports), AliveFor,
		p.Life).Scan(&oldest)
	if err != nil {
		return false, fmt.Errorf("note process: %w", err)
	}
	return oldest, nil
}

func deleteProcess(ctx context.Context, pool *pgxpool.Pool, id string) error {
	if _, err := pool.Exec(ctx, `DELETE FROM processes WHERE id = $1::uuid`, id); err != nil {
		return fmt.Errorf("forget process: %w", err)
	}
	return nil
}

func deleteDead(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `DELETE FROM processes WHERE seen_at < now() - $1::interval`, keptFor); err != nil {
		return fmt.Errorf("forget dead processes: %w", err)
	}
	return nil
}
