package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// eventColumns are what scanEvent reads, from eventTables.
const (
	eventColumns = `e.id, e.campaign_id, e.event_status, coalesce(e.failure_code, ''), coalesce(e.default_reason, ''),
		coalesce(e.default_amount, 0), e.expiry_at, e.total_count, e.total_amount, e.partition_count,
		e.reservation_at, e.reservation_priority, e.created_by, e.created_at, e.updated_at,
		y.code, y.label, y.granter, y.operation, y.topic,
		s.published_count, s.success_count, s.fail_count, s.retry_success_count,
		s.started_at, s.completed_at, s.stopped_at, coalesce(s.stopped_memo, '')`
	eventTables = `campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id`
)

func scanEvent(row pgx.CollectableRow) (e domain.Event, err error) {
	err = row.Scan(&e.ID, &e.CampaignID, &e.Status, &e.FailureCode, &e.DefaultReason,
		&e.DefaultAmount, &e.ExpiryAt, &e.TotalCount, &e.TotalAmount, &e.Partitions,
		&e.ReservationAt, &e.ReservationPriority, &e.CreatedBy, &e.CreatedAt, &e.UpdatedAt,
		&e.Type.Code, &e.Type.Label, &e.Type.Granter, &e.Type.Operation, &e.Type.Topic,
		&e.Summary.Published, &e.Summary.Success, &e.Summary.Fail, &e.Summary.RetrySuccess,
		&e.Summary.StartedAt, &e.Summary.CompletedAt, &e.Summary.StoppedAt, &e.Summary.StoppedMemo)
	return e, err
}

// selectEvent reads an event with its type and its summary. Error: domain.NotFound.
func selectEvent(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM `+eventTables+` WHERE e.id = $1`, id)
	if err != nil {
		return domain.Event{}, fmt.Errorf("read event: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEvent)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, &domain.Error{Code: domain.NotFound, Message: fmt.Sprintf("there is no event %d", id), Hint: "list the events"}
	}
	if err != nil {
		return e, fmt.Errorf("read event: %w", err)
	}
	return e, nil
}

// updateStatus moves the event from one status to another; it must hit exactly one row.
func updateStatus(ctx context.Context, tx pgx.Tx, id int64, from, to domain.Status) (now time.Time, err error) {
	const update = `UPDATE campaign_events SET event_status = $3, updated_at = now()
		WHERE id = $1 AND event_status = $2 RETURNING now()`
	if err := tx.QueryRow(ctx, update, id, from, to).Scan(&now); err != nil {
		return now, fmt.Errorf("move event %d from %s to %s: %w", id, from, to, err)
	}
	return now, nil
}
