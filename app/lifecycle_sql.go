package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// laneFree returns domain.LaneBusy if another event that is reserved for the same second runs.
func laneFree(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	if e.ReservationAt == nil {
		return nil
	}
	var runner int64
	const query = `SELECT id FROM campaign_events WHERE reservation_at = $1 AND event_status = 'RUNNING' LIMIT 1`
	err := tx.QueryRow(ctx, query, *e.ReservationAt).Scan(&runner)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read lane: %w", err)
	}
	return laneBusy(runner)
}

// laneConstraint keeps one running event a lane, whoever starts two at the same moment.
const laneConstraint = "campaign_events_lane_running"

func laneBusy(runner int64) error {
	which := "another event"
	if runner > 0 {
		which = fmt.Sprintf("event %d", runner)
	}
	return &domain.Error{Code: domain.LaneBusy, Message: which + ", reserved for the same second, is running",
		Hint: "wait until it is done, or stop it", EventID: runner}
}

// stampStarted notes the moment itself, not the transaction's beginning: the lane may have been busy then. It returns the moment.
func stampStarted(ctx context.Context, tx pgx.Tx, id int64) (at time.Time, err error) {
	const update = `UPDATE campaign_event_summary SET started_at = coalesce(started_at, clock_timestamp()), updated_at = now()
		WHERE event_id = $1 RETURNING started_at`
	if err := tx.QueryRow(ctx, update, id).Scan(&at); err != nil {
		return at, fmt.Errorf("stamp start of event %d: %w", id, err)
	}
	return at, nil
}

func stampCompleted(ctx context.Context, tx pgx.Tx, id int64) error {
	const update = `UPDATE campaign_event_summary SET completed_at = now(), updated_at = now() WHERE event_id = $1`
	return exactlyOne(ctx, tx, update, id)
}

func stampStopped(ctx context.Context, tx pgx.Tx, id int64, code domain.Code, memo string) error {
	if err := exactlyOne(ctx, tx, `UPDATE campaign_events SET failure_code = nullif($2, '') WHERE id = $1`, id, code); err != nil {
		return err
	}
	const update = `UPDATE campaign_event_summary SET stopped_at = now(), stopped_memo = $2, updated_at = now() WHERE event_id = $1`
	return exactlyOne(ctx, tx, update, id, memo)
}

func exactlyOne(ctx context.Context, tx pgx.Tx, update string, args ...any) error {
	tag, err := tx.Exec(ctx, update, args...)
	if err != nil {
		return fmt.Errorf("update event: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("update event: hit %d rows, not one", tag.RowsAffected())
	}
	return nil
}

// selectDone lists the running events whose counters say that they are done.
func selectDone(ctx context.Context, pool *pgxpool.Pool) ([]int64, error) {
	const query = `SELECT e.id FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id
		WHERE e.event_status = 'RUNNING' AND s.published_count = e.total_count
		  AND s.success_count + s.fail_count = e.total_count ORDER BY e.id`
	return selectIDs(ctx, pool, query)
}

func clearFailure(ctx context.Context, tx pgx.Tx, id int64) error {
	return exactlyOne(ctx, tx, `UPDATE campaign_events SET failure_code = NULL WHERE id = $1`, id)
}

// selectOpenClaims counts the claims of the event that are open, and says whether it is at work again. A chunk that is
// settled counts too: a redrive of it may be asked for.
func selectOpenClaims(ctx context.Context, pool *pgxpool.Pool, id int64) (open int, resumed bool, err error) {
	const query = `SELECT count(*) FILTER (WHERE c.open_until > clock_timestamp()), e.event_status NOT IN ('STOPPED', 'FAILED')
		FROM campaign_events e LEFT JOIN grant_chunks c ON c.event_id = e.id
		WHERE e.id = $1 GROUP BY e.event_status`
	if err := pool.QueryRow(ctx, query, id).Scan(&open, &resumed); err != nil {
		return 0, false, fmt.Errorf("count open claims of event %d: %w", id, err)
	}
	return open, resumed, nil
}

// turn is the order in which reserved events have their turn.
const turn = `e.reservation_at, e.reservation_priority NULLS LAST, e.id`

// due is an event whose turn may have come.
type due struct {
	id   int64
	lane time.Time
}

// selectDue lists the events that wait for their time and have it, in the order in which they are to run. One whose time came
// before its list is not among them: a person starts it.
func selectDue(ctx context.Context, pool *pgxpool.Pool) ([]due, error) {
	rows, err := pool.Query(ctx, `SELECT e.id, e.reservation_at FROM campaign_events e
		WHERE e.event_status = 'PENDING' AND e.reservation_at <= now() AND e.total_count > 0 AND NOT e.reservation_missed ORDER BY `+turn)
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
