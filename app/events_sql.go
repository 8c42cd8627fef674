package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// eventColumns are what scanEvent reads, from eventTables.
const (
	eventColumns = `e.id, e.campaign_id, e.event_status, coalesce(e.failure_code, ''), coalesce(e.default_reason, ''),
		coalesce(e.default_amount, 0), e.expiry_at, coalesce(e.expiry_at <= clock_timestamp(), false), e.total_count, e.total_amount, e.partition_count,
		e.reservation_at, e.reservation_priority, e.event_status = 'PENDING' AND (e.reservation_missed
			OR e.total_count = 0 AND coalesce(e.reservation_at <= clock_timestamp(), false)), e.created_by, e.created_at, e.updated_at,
		y.code, y.label, y.granter, y.operation, y.topic, coalesce(y.unit, ''),
		coalesce(y.max_per_member, 0), coalesce(y.max_per_event, 0), coalesce(y.max_count, 0), y.limits_seeded,
		s.published_count, s.success_count, s.fail_count, s.retry_success_count,
		s.started_at, s.completed_at, s.stopped_at, coalesce(s.stopped_memo, '')`
	eventTables = `campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id`
)

func scanEvent(row pgx.CollectableRow) (e domain.Event, err error) {
	return e, row.Scan(eventFields(&e)...)
}

// eventFields are where eventColumns go.
func eventFields(e *domain.Event) []any {
	return []any{&e.ID, &e.CampaignID, &e.Status, &e.FailureCode, &e.DefaultReason,
		&e.DefaultAmount, &e.ExpiryAt, &e.Expired, &e.TotalCount, &e.TotalAmount, &e.Partitions,
		&e.ReservationAt, &e.ReservationPriority, &e.Missed, &e.CreatedBy, &e.CreatedAt, &e.UpdatedAt,
		&e.Type.Code, &e.Type.Label, &e.Type.Granter, &e.Type.Operation, &e.Type.Topic, &e.Type.Unit,
		&e.Type.Limits.PerMember, &e.Type.Limits.PerEvent, &e.Type.Limits.Count, &e.Type.Limits.Seeded,
		&e.Summary.Published, &e.Summary.Success, &e.Summary.Fail, &e.Summary.RetrySuccess,
		&e.Summary.StartedAt, &e.Summary.CompletedAt, &e.Summary.StoppedAt, &e.Summary.StoppedMemo}
}

// selectEvent reads an event with its type and its summary. Error: domain.NotFound.
func selectEvent(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM `+eventTables+` WHERE e.id = $1`, id)
	if err != nil {
		return domain.Event{}, fmt.Errorf("read event: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEvent)
	return e, readError(id, err)
}

// readError is what came of reading an event's row. Error: domain.NotFound.
func readError(id int64, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return &domain.Error{Code: domain.NotFound, Message: fmt.Sprintf("there is no event %d", id), Hint: "`bestow event list` or GET /events shows them"}
	}
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	return nil
}

// updateStatus moves the event from one status to another; it must hit exactly one row. Error: domain.LaneBusy.
func updateStatus(ctx context.Context, tx pgx.Tx, id int64, from, to domain.Status) error {
	const update = `UPDATE campaign_events SET event_status = $3, updated_at = now() WHERE id = $1 AND event_status = $2`
	err := exactlyOne(ctx, tx, update, id, from, to)
	if pg.Violates(err, laneConstraint) {
		return laneBusy(0)
	}
	if err != nil {
		return fmt.Errorf("move event %d from %s to %s: %w", id, from, to, err)
	}
	return nil
}

// campaignKey is the constraint that gives a campaign_id to one event only.
const campaignKey = "campaign_events_campaign_id_key"

// checkCampaignFree returns domain.CampaignTaken with the event that has the campaign_id already.
func checkCampaignFree(ctx context.Context, tx pgx.Tx, campaignID string) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT id FROM campaign_events WHERE campaign_id = $1`, campaignID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for campaign: %w", err)
	}
	return &domain.Error{
		Code:    domain.CampaignTaken,
		Message: fmt.Sprintf("the campaign_id belongs to event %d", id),
		Hint:    "use that event, or take another campaign_id",
		EventID: id,
	}
}

// insertEvent writes an event and its summary and returns the event's id. The id is the next one after the last that was
// kept, not the sequence's: creations go one after another, and one that is rolled back leaves no gap, so that a gap is an
// event that was erased (I42). The sequence is kept in step for a version that still takes its ids from there.
func insertEvent(ctx context.Context, tx pgx.Tx, actor string, n NewEvent) (id int64, err error) {
	const event = `WITH next AS (
			UPDATE event_ids SET last_id = greatest(last_id, (SELECT coalesce(max(id), 0) FROM campaign_events)) + 1 RETURNING last_id
		), kept AS (
			SELECT last_id, setval(pg_get_serial_sequence('campaign_events', 'id'), last_id) FROM next
		)
		INSERT INTO campaign_events (id, campaign_id, event_type, default_reason, default_amount, expiry_at,
			partition_count, reservation_at, reservation_priority, created_by)
		SELECT last_id, $1, $2, nullif($3, ''), $4::bigint, $5::timestamptz, coalesce($6::int, 4), $7::timestamptz, $8::int, $9
		FROM kept WHERE setval IS NOT NULL RETURNING id`
	err = tx.QueryRow(ctx, event, n.CampaignID, n.EventType, n.DefaultReason, n.DefaultAmount, n.ExpiryAt,
		n.Partitions, n.ReservationAt, n.ReservationPriority, actor).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("insert event: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id); err != nil {
		return 0, fmt.Errorf("insert summary: %w", err)
	}
	return id, nil
}

// selectEvents is List's keyset page.
func selectEvents(ctx context.Context, tx pgx.Tx, f EventFilter) ([]domain.Event, error) {
	const where = ` WHERE ($1 = '' OR e.event_status = $1) AND ($2 = '' OR e.event_type = $2)
		AND ($3 = '' OR e.campaign_id IN ($3, $4)) AND ($5::bigint = 0 OR e.id < $5) ORDER BY e.id DESC LIMIT $6`
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM `+eventTables+where,
		string(f.Status), f.Type, f.CampaignID, norm.NFC.String(f.CampaignID), f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return events, nil
}

// selectReserved reads the events that run or wait in a lane: in the order of their turns.
func selectReserved(ctx context.Context, tx pgx.Tx) ([]domain.Event, error) {
	const where = ` WHERE e.reservation_at IS NOT NULL AND e.event_status IN ('PENDING', 'RUNNING') ORDER BY ` + turn
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM `+eventTables+where)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	return events, nil
}

// databaseTime is the clock that decides what is past: the processes' own may be wrong.
func databaseTime(ctx context.Context, tx pgx.Tx) (now time.Time, err error) {
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", err)
	}
	return now, nil
}
