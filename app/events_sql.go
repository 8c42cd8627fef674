package app

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

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

// insertEvent writes an event and its summary and returns the event's id. The id is the next one after the last that
// was kept, not the sequence's: creations go one after another, and one that is rolled back leaves no gap, so that a
// gap is an event that was erased (I42). The sequence is kept in step for a version that still takes its ids from
// there.
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
