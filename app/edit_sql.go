package app

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// updateDefinition writes what an operator has said of an event, if it is still PENDING.
func updateDefinition(ctx context.Context, tx pgx.Tx, id int64, n NewEvent) error {
	const update = `UPDATE campaign_events SET campaign_id = $2, name = nullif($10, ''), event_type = $3, default_reason = nullif($4, ''), default_amount = $5,
			expiry_at = $6, partition_count = $7, reservation_at = $8, reservation_priority = $9,
			reservation_missed = reservation_missed AND reservation_at IS NOT DISTINCT FROM $8, updated_at = now()
		WHERE id = $1 AND event_status = 'PENDING'`
	return pg.ExecOne(ctx, tx, update, id, n.CampaignID, n.EventType, n.DefaultReason, n.DefaultAmount, n.ExpiryAt,
		n.Partitions, n.ReservationAt, n.ReservationPriority, n.Name)
}

// countDefaulted counts the rows of e that took its default amount. Imports of before did not count them: their targets
// with that amount are counted instead, and exact is false.
func countDefaulted(ctx context.Context, tx pgx.Tx, e domain.Event) (rows int, exact bool, err error) {
	const counted = `SELECT coalesce(sum(defaulted), 0), count(*) = count(defaulted) FROM imports WHERE event_id = $1`
	if err := tx.QueryRow(ctx, counted, e.ID).Scan(&rows, &exact); err != nil {
		return 0, false, fmt.Errorf("count rows with the default amount: %w", err)
	}
	if exact {
		return rows, true, nil
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM `+pg.Quoted(e.Type.TargetTable())+
		` WHERE event_id = $1 AND amount = $2`, e.ID, e.DefaultAmount).Scan(&rows)
	if err != nil {
		return 0, false, fmt.Errorf("count rows with the default amount: %w", err)
	}
	return rows, false, nil
}

// deleteTargets removes an event's targets and their chunks. Rows are deleted, not truncated: a report that began
// before still sees them.
func deleteTargets(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	for _, table := range []string{e.Type.TargetTable(), "grant_chunks"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+pg.Quoted(table)+` WHERE event_id = $1`, e.ID); err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
	}
	return nil
}

// recordDeletion says that the event's id is gone by a person's word, so that no proof takes it for erased.
func recordDeletion(ctx context.Context, tx pgx.Tx, e domain.Event, actor string) error {
	const insert = `INSERT INTO deleted_events (event_id, campaign_id, total_count, total_amount, deleted_by) VALUES ($1, $2, $3, $4, $5)`
	if _, err := tx.Exec(ctx, insert, e.ID, e.CampaignID, e.TotalCount, e.TotalAmount, actor); err != nil {
		return fmt.Errorf("record deletion: %w", err)
	}
	return nil
}

// deletePending removes the event itself; its summary, uploads and rejected rows go with it by their foreign keys.
func deletePending(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.ExecOne(ctx, tx, `DELETE FROM campaign_events WHERE id = $1 AND event_status = 'PENDING'`, id)
}

// Tidy drops the partitions of events that were deleted; they are empty. A drop locks every event for a moment, so it
// does not insist: what is busy now is left to the next time.
func (s *Events) Tidy(ctx context.Context) error {
	orphans, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]orphan, error) { return selectOrphans(ctx, tx) })
	if err != nil {
		return err
	}
	for _, o := range orphans {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '300ms'`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `SELECT drop_targets_partition($1, $2)`, o.Code, o.EventID)
			return err
		})
		switch pg.Code(err) {
		case pg.LockNotAvailable, pg.DeadlockDetected:
			return nil
		}
		if err != nil {
			return fmt.Errorf("drop partition of event %d: %w", o.EventID, err)
		}
		if err := failpoint.Hit(ctx, failpoint.TidyBetween); err != nil {
			return err
		}
	}
	return nil
}

// orphan is the partition of an event that is no more.
type orphan struct {
	Code    string // of its type
	EventID int64
}

// selectOrphans lists the partitions whose event is no more. An event is committed before its partition is made.
func selectOrphans(ctx context.Context, tx pgx.Tx) ([]orphan, error) {
	const query = `SELECT y.code, e.id FROM event_types y
		JOIN pg_inherits i ON i.inhparent = to_regclass(lower(y.code) || '_targets')
		JOIN pg_class c ON c.oid = i.inhrelid AND c.relname ~ ('^' || lower(y.code) || '_targets_[0-9]{1,18}$')
		CROSS JOIN LATERAL (SELECT substring(c.relname FROM '[0-9]+$')::bigint AS id) e
		WHERE NOT EXISTS (SELECT FROM campaign_events WHERE id = e.id) ORDER BY 1, 2`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("look for partitions without an event: %w", err)
	}
	orphans, err := pgx.CollectRows(rows, pgx.RowToStructByPos[orphan])
	if err != nil {
		return nil, fmt.Errorf("look for partitions without an event: %w", err)
	}
	return orphans, nil
}
