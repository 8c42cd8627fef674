package app

import (
	"context"
	"fmt"
	"time"

	"bestow/app/eventrow"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// selectDone lists the running events whose counters say that they are done.
func selectDone(ctx context.Context, pool *pgxpool.Pool) ([]int64, error) {
	const query = `SELECT e.id FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id
		WHERE e.event_status = 'RUNNING' AND s.published_count = e.total_count
		  AND s.success_count + s.fail_count = e.total_count ORDER BY e.id`
	return selectIDs(ctx, pool, query)
}

// selectOpenClaims counts the claims of the event that are open, and reports whether it is at work again. A chunk that
// is settled counts too: a redrive of it may be asked for.
func selectOpenClaims(ctx context.Context, pool *pgxpool.Pool, id int64) (open int, resumed bool, err error) {
	const query = `SELECT count(*) FILTER (WHERE c.open_until > clock_timestamp()), e.event_status NOT IN ('STOPPED', 'FAILED')
		FROM campaign_events e LEFT JOIN grant_chunks c ON c.event_id = e.id
		WHERE e.id = $1 GROUP BY e.event_status`
	if err := pool.QueryRow(ctx, query, id).Scan(&open, &resumed); err != nil {
		return 0, false, fmt.Errorf("count open claims of event %d: %w", id, err)
	}
	return open, resumed, nil
}

// due is an event whose turn may have come.
type due struct {
	id   int64
	lane time.Time
}

// selectDue lists the events that wait for their time and have it, in the order in which they are to run. One whose
// time came before its list is not among them: a person starts it.
func selectDue(ctx context.Context, pool *pgxpool.Pool) ([]due, error) {
	rows, err := pool.Query(ctx, `SELECT e.id, e.reservation_at FROM campaign_events e
		WHERE e.event_status = 'PENDING' AND e.reservation_at <= now() AND e.total_count > 0 AND NOT e.reservation_missed ORDER BY `+eventrow.Turn)
	if err != nil {
		return nil, fmt.Errorf("read due events: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		err = row.Scan(&d.id, &d.lane)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read due events: %w", err)
	}
	return events, nil
}

func selectIDs(ctx context.Context, pool *pgxpool.Pool, query string, args ...any) ([]int64, error) {
	rows, err := pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return ids, nil
}
