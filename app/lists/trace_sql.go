package lists

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// selectTraced reads the member's row of the list with its chunk and its import, nil where no list has the member.
func selectTraced(ctx context.Context, tx pgx.Tx, e domain.Event, spellings []string) (*TracedTarget, error) {
	query := `SELECT t.id, t.amount, t.reason, t.publish_status, t.partition_key, c.first_id, c.last_id, c.import_id,
			i.created_by, i.created_at, c.published_at, c.claimed_at, c.attempts, c.topic, c.kafka_partition, c.kafka_offset
		FROM ` + pg.Quoted(e.Type.TargetTable()) + ` t
		JOIN grant_chunks c ON c.event_id = t.event_id AND c.partition_key = t.partition_key AND t.id BETWEEN c.first_id AND c.last_id
		JOIN imports i ON i.id = c.import_id
		WHERE t.event_id = $1 AND t.member_id = ANY ($2) LIMIT 1`
	var t TracedTarget
	var topic *string
	var m TracedMessage
	var partition *int32
	var offset *int64
	err := tx.QueryRow(ctx, query, e.ID, spellings).Scan(&t.ID, &t.Amount, &t.Reason, &t.PublishStatus, &t.PartitionKey,
		&t.FirstID, &t.LastID, &t.ImportID, &t.ImportedBy, &t.ImportedAt, &t.PublishedAt, &t.ClaimedAt, &t.Attempts,
		&topic, &partition, &offset)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no target is no error
	}
	if err != nil {
		return nil, fmt.Errorf("trace target: %w", err)
	}
	if topic != nil && partition != nil && offset != nil {
		m = TracedMessage{*topic, *partition, *offset}
		t.Claimed = &m
	}
	return &t, nil
}

// selectJobOf reads the last relay job that carries the target, nil where River has deleted it. A job of several chunks
// names the first and the last of their targets.
func selectJobOf(ctx context.Context, tx pgx.Tx, eventID int64, t TracedTarget) (*TracedJob, error) {
	const query = `SELECT id, state::text, attempt, scheduled_at, finalized_at FROM river.river_job
		WHERE kind = $1 AND args @> jsonb_build_object('event_id', $2::bigint, 'partition_key', $3::int)
		  AND (args->>'first_id')::bigint <= $4 AND (args->>'last_id')::bigint >= $4
		ORDER BY id DESC LIMIT 1`
	var j TracedJob
	err := tx.QueryRow(ctx, query, outbox.RelayKind, eventID, t.PartitionKey, t.FirstID).Scan(&j.ID, &j.State, &j.Attempt,
		&j.ScheduledAt, &j.FinalizedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no job is no error
	}
	if err != nil {
		return nil, fmt.Errorf("trace job: %w", err)
	}
	return &j, nil
}

// selectMoves reads what people did with the event, as steps.
func selectMoves(ctx context.Context, tx pgx.Tx, eventID int64) ([]Step, error) {
	const query = `SELECT at, action, actor || coalesce(': ' || reason, '') FROM audit_log
		WHERE event_id = $1 AND action IN ('event.start', 'event.stop', 'event.resume', 'event.retry')
		UNION ALL
		SELECT at, 'event.start', by FROM starts s WHERE event_id = $1
		  AND NOT EXISTS (SELECT FROM audit_log l WHERE l.event_id = s.event_id AND l.action = 'event.start')
		ORDER BY 1`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("trace moves: %w", err)
	}
	steps, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Step, error) {
		var s Step
		var action string
		err := row.Scan(&s.At, &action, &s.Note)
		s.Code = moveCodes[action]
		s.Text = "the event was " + s.Code + " by " + s.Note
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("trace moves: %w", err)
	}
	return steps, nil
}

// moveCodes names the steps of what people do with an event.
var moveCodes = map[string]string{
	"event.start": "started", "event.stop": "stopped", "event.resume": "resumed", "event.retry": "retried",
}

// selectMemberships reads the events of one type that have the member on their lists. It looks into each event by the
// index of its members: one scan for all whose targets share a table, which takes a third of the time of a probe for
// each.
func selectMemberships(
	ctx context.Context, tx pgx.Tx, y domain.EventType, spellings []string, before int64, limit int,
) ([]Membership, error) {
	query := `WITH lists AS (
			SELECT id, own_partition IS TRUE AS own FROM campaign_events
			WHERE event_type = $1 AND ($3::bigint = 0 OR id < $3)
		), listed AS (
			SELECT event_id, amount, publish_status, member_id FROM ` + pg.Quoted(y.TargetTable()+sharedTable) + `
			WHERE event_id = ANY (ARRAY(SELECT id FROM lists WHERE NOT own)) AND member_id = ANY ($2)
			UNION ALL
			SELECT t.event_id, t.amount, t.publish_status, t.member_id FROM lists
			CROSS JOIN LATERAL (SELECT event_id, amount, publish_status, member_id FROM ` + pg.Quoted(y.TargetTable()) + `
				WHERE event_id = lists.id AND member_id = ANY ($2) LIMIT 1) t
			WHERE own
		)
		SELECT e.id, e.campaign_id, coalesce(e.name, ''), e.event_type, e.event_status, t.amount, t.publish_status,
			coalesce(r.status, ''), coalesce(r.error_code, ''), coalesce(r.money_tx_id, ''), r.updated_at
		FROM (SELECT DISTINCT ON (event_id) event_id, amount, publish_status, member_id FROM listed
			ORDER BY event_id DESC LIMIT $4) t
		JOIN campaign_events e ON e.id = t.event_id
		LEFT JOIN LATERAL (SELECT status, error_code, money_tx_id, updated_at FROM ` + pg.Quoted(y.ResultTable()) + ` r
			WHERE r.event_id = e.id AND r.member_id = t.member_id LIMIT 1) r ON true
		ORDER BY e.id DESC`
	rows, err := tx.Query(ctx, query, y.Code, spellings, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list events of member: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Membership])
	if err != nil {
		return nil, fmt.Errorf("list events of member: %w", err)
	}
	return list, nil
}

// sharedTable ends the name of the table that holds the targets of all events without a partition of their own.
const sharedTable = "_default"

// selectKnown reads which of the members the lists of one type's events have, or of one event. It looks as
// selectMemberships does.
func selectKnown(
	ctx context.Context, tx pgx.Tx, y domain.EventType, eventID int64, members []string,
) ([]string, error) {
	query := `WITH lists AS (
			SELECT id, own_partition IS TRUE AS own FROM campaign_events
			WHERE event_type = $1 AND ($2::bigint = 0 OR id = $2)
		)
		SELECT member_id FROM ` + pg.Quoted(y.TargetTable()+sharedTable) + `
		WHERE event_id = ANY (ARRAY(SELECT id FROM lists WHERE NOT own)) AND member_id = ANY ($3)
		UNION
		SELECT t.member_id FROM lists CROSS JOIN LATERAL (SELECT member_id FROM ` + pg.Quoted(y.TargetTable()) + `
			WHERE event_id = lists.id AND member_id = ANY ($3)) t
		WHERE own`
	rows, err := tx.Query(ctx, query, y.Code, eventID, members)
	if err != nil {
		return nil, fmt.Errorf("look for members: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for members: %w", err)
	}
	return found, nil
}
