package eventrow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Move moves the event from one status to another; it must hit exactly one row. Error: domain.LaneBusy.
func Move(ctx context.Context, tx pgx.Tx, id int64, from, to domain.Status) error {
	const update = `UPDATE campaign_events SET event_status = $3, updated_at = now() WHERE id = $1 AND event_status = $2`
	err := pg.ExecOne(ctx, tx, update, id, from, to)
	if pg.Violates(err, laneConstraint) {
		return domain.LaneBusyError(0)
	}
	if err != nil {
		return fmt.Errorf("move event %d from %s to %s: %w", id, from, to, err)
	}
	return nil
}

// LaneFree returns domain.LaneBusy if another event that is reserved for the same second runs.
func LaneFree(ctx context.Context, tx pgx.Tx, e domain.Event) error {
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
	return domain.LaneBusyError(runner)
}

// laneConstraint allows one running event in a lane, even if two are started at the same moment.
const laneConstraint = "campaign_events_lane_running"

// StampStarted notes the moment itself, not the transaction's beginning: the lane may have been busy then. It returns
// the moment.
func StampStarted(ctx context.Context, tx pgx.Tx, id int64) (at time.Time, err error) {
	const update = `UPDATE campaign_event_summary SET started_at = coalesce(started_at, clock_timestamp()), updated_at = now()
		WHERE event_id = $1 RETURNING started_at`
	if err := tx.QueryRow(ctx, update, id).Scan(&at); err != nil {
		return at, fmt.Errorf("stamp start of event %d: %w", id, err)
	}
	return at, nil
}

// StampCompleted notes that the event is complete now.
func StampCompleted(ctx context.Context, tx pgx.Tx, id int64) error {
	const update = `UPDATE campaign_event_summary SET completed_at = now(), updated_at = now() WHERE event_id = $1`
	return pg.ExecOne(ctx, tx, update, id)
}

// StampStopped notes why the event stopped: the memo of a person, or the code and words of a failure; "" is no failure.
func StampStopped(ctx context.Context, tx pgx.Tx, id int64, code domain.Code, memo string) error {
	if err := pg.ExecOne(ctx, tx, `UPDATE campaign_events SET failure_code = nullif($2, '') WHERE id = $1`, id,
		code); err != nil {
		return err
	}
	const update = `UPDATE campaign_event_summary SET stopped_at = now(), stopped_memo = $2, updated_at = now() WHERE event_id = $1`
	return pg.ExecOne(ctx, tx, update, id, memo)
}

// ClearFailure forgets why the event failed.
func ClearFailure(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.ExecOne(ctx, tx, `UPDATE campaign_events SET failure_code = NULL WHERE id = $1`, id)
}

// Turn is the order in which reserved events have their turn.
const Turn = `e.reservation_at, e.reservation_priority NULLS LAST, e.id`
