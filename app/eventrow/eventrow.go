// Package eventrow reads an event with its type and its summary, and moves its status and stamps. What decides about an
// event stands in package app; this is how its row is read and written.
//
// Start with Select. Move must be called under the event's gate.
package eventrow

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Columns are what Scan reads, from Tables.
const (
	Columns = `e.id, e.campaign_id, coalesce(e.name, ''), e.event_status, coalesce(e.failure_code, ''), coalesce(e.default_reason, ''),
		coalesce(e.default_amount, 0), e.expiry_at, coalesce(e.expiry_at <= clock_timestamp(), false), e.total_count, e.total_amount, e.partition_count,
		e.reservation_at, e.reservation_priority, e.event_status = 'PENDING' AND (e.reservation_missed
			OR e.total_count = 0 AND coalesce(e.reservation_at <= clock_timestamp(), false)), e.created_by, e.created_at, e.updated_at,
		y.code, y.label, y.granter, y.operation, y.topic, coalesce(y.unit, ''),
		coalesce(y.max_per_member, 0), coalesce(y.max_per_event, 0), coalesce(y.max_count, 0), y.limits_seeded,
		s.published_count, s.success_count, s.fail_count, s.retry_success_count,
		s.started_at, s.completed_at, s.stopped_at, coalesce(s.stopped_memo, '')`
	Tables = `campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id`
)

// Scan reads a row of Columns.
func Scan(row pgx.CollectableRow) (e domain.Event, err error) {
	return e, row.Scan(eventFields(&e)...)
}

// eventFields returns where Columns go.
func eventFields(e *domain.Event) []any {
	return []any{
		&e.ID, &e.CampaignID, &e.Name, &e.Status, &e.FailureCode, &e.DefaultReason,
		&e.DefaultAmount, &e.ExpiryAt, &e.Expired, &e.TotalCount, &e.TotalAmount, &e.Partitions,
		&e.ReservationAt, &e.ReservationPriority, &e.Missed, &e.CreatedBy, &e.CreatedAt, &e.UpdatedAt,
		&e.Type.Code, &e.Type.Label, &e.Type.Granter, &e.Type.Operation, &e.Type.Topic, &e.Type.Unit,
		&e.Type.Limits.PerMember, &e.Type.Limits.PerEvent, &e.Type.Limits.Count, &e.Type.Limits.Seeded,
		&e.Summary.Published, &e.Summary.Success, &e.Summary.Fail, &e.Summary.RetrySuccess,
		&e.Summary.StartedAt, &e.Summary.CompletedAt, &e.Summary.StoppedAt, &e.Summary.StoppedMemo,
	}
}

// Select reads an event with its type and its summary. Error: domain.NotFound.
func Select(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+Columns+` FROM `+Tables+` WHERE e.id = $1`, id)
	if err != nil {
		return domain.Event{}, fmt.Errorf("read event: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, Scan)
	return e, readError(id, err)
}

// readError returns what came of reading an event's row. Error: domain.NotFound.
func readError(id int64, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.NoEventError(strconv.FormatInt(id, 10))
	}
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	return nil
}

// SelectBraked reads an event as Select does, and whether a brake holds it, in one statement.
func SelectBraked(ctx context.Context, tx pgx.Tx, id int64) (e domain.Event, braked bool, err error) {
	const query = `SELECT ` + Columns +
		`, EXISTS (SELECT FROM brakes b WHERE b.scope IN ('all', 'type:' || e.event_type))
		FROM ` + Tables + ` WHERE e.id = $1`
	err = tx.QueryRow(ctx, query, id).Scan(append(eventFields(&e), &braked)...)
	return e, braked, readError(id, err)
}

// Filter narrows a list of events, newest first.
type Filter struct {
	Statuses    []domain.Status
	Type        string
	CampaignID  string
	Words       string // stand in the campaign_id or the name, in any letter case
	CreatedBy   string
	HasFailures *bool // whether members were given up; nil for all
	Limit       int   // 1 or more
	Before      int64 // only events with a smaller id; 0 for all
}

// statuses returns the statuses as texts, nil for all.
func (f Filter) statuses() []string {
	if len(f.Statuses) == 0 {
		return nil
	}
	statuses := make([]string, len(f.Statuses))
	for i, s := range f.Statuses {
		statuses[i] = string(s)
	}
	return statuses
}

// List reads the events that f lets through, newest first, at most f.Limit of them. Words and failures have no index:
// the events are read from the newest on until there are enough, which are thousands where targets are millions.
func List(ctx context.Context, tx pgx.Tx, f Filter) ([]domain.Event, error) {
	const where = ` WHERE ($1::text[] IS NULL OR e.event_status = ANY ($1)) AND ($2 = '' OR e.event_type = $2)
		AND ($3 = '' OR e.campaign_id IN ($3, $4)) AND ($5::bigint = 0 OR e.id < $5)
		AND ($7 = '' OR strpos(lower(e.campaign_id), lower($7)) > 0 OR strpos(lower(coalesce(e.name, '')), lower($7)) > 0)
		AND ($8 = '' OR e.created_by = $8) AND ($9::boolean IS NULL OR (s.fail_count > 0) = $9)
		ORDER BY e.id DESC LIMIT $6`
	rows, err := tx.Query(ctx, `SELECT `+Columns+` FROM `+Tables+where,
		f.statuses(), f.Type, f.CampaignID, norm.NFC.String(f.CampaignID), f.Before, f.Limit,
		norm.NFC.String(f.Words), f.CreatedBy, f.HasFailures)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	events, err := pgx.CollectRows(rows, Scan)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return events, nil
}
