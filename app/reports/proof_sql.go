package reports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"bestow/app/processes"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// selectVerification reads the first report on an event that is under way, nil for none.
func selectVerification(ctx context.Context, tx pgx.Tx, eventID int64) (*Verification, error) {
	return selectFirst(ctx, tx, eventID, "running", "available", "pending", "retryable", "scheduled")
}

// selectWaiting reads the report on an event that was requested and that no process has begun, nil for none.
func selectWaiting(ctx context.Context, tx pgx.Tx, eventID int64) (*Verification, error) {
	return selectFirst(ctx, tx, eventID, "available", "pending", "retryable", "scheduled")
}

func selectFirst(ctx context.Context, tx pgx.Tx, eventID int64, states ...string) (*Verification, error) {
	const query = `SELECT coalesce(metadata->>'by', ''), created_at, CASE WHEN state = 'running' THEN attempted_at END
		FROM river.river_job
		WHERE kind = 'verify' AND state = ANY ($2::text[]::river.river_job_state[])
		  AND args @> jsonb_build_object('event_id', $1::bigint)
		ORDER BY id LIMIT 1`
	v := Verification{EventID: eventID}
	err := tx.QueryRow(ctx, query, eventID, states).Scan(&v.By, &v.AskedAt, &v.Since)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read verification: %w", err)
	}
	return &v, nil
}

func (s *Reports) insertVerification(ctx context.Context, tx pgx.Tx, actor string, eventID int64) error {
	if s.river == nil {
		return errors.New("insert verify job: these reports have no River client")
	}
	asker, err := json.Marshal(Asker{By: actor})
	if err != nil {
		return fmt.Errorf("insert verify job: %w", err)
	}
	opts := &river.InsertOpts{Queue: processes.JobsQueue, MaxAttempts: math.MaxInt16, Metadata: asker}
	if _, err := s.river.InsertTx(ctx, tx, VerifyArgs{EventID: eventID}, opts); err != nil {
		return fmt.Errorf("insert verify job: %w", err)
	}
	return nil
}

// selectReport reads the last report on an event, and whether the event has changed since: it has moved, its counters
// have, or a person had members tried again. A green report was true of the rows, so counters that differ from it are
// newer, whatever their stamp. Error: pgx.ErrNoRows.
func selectReport(ctx context.Context, tx pgx.Tx, eventID int64) (document []byte, stale bool, err error) {
	const query = `SELECT v.report, e.updated_at > v.checked_at OR s.updated_at > v.checked_at
			OR EXISTS (SELECT FROM audit_log a WHERE a.event_id = e.id AND a.action = 'event.retry' AND a.at > v.checked_at)
			OR v.ok AND ((v.report->'totals'->>'targets')::bigint, (v.report->'totals'->>'published')::bigint,
			             (v.report->'totals'->>'success')::bigint, (v.report->'totals'->>'fail')::bigint)
			    IS DISTINCT FROM (e.total_count::bigint, s.published_count::bigint, s.success_count::bigint, s.fail_count::bigint)
		FROM verify_reports v
		JOIN campaign_events e ON e.id = v.event_id
		JOIN campaign_event_summary s ON s.event_id = e.id
		WHERE v.event_id = $1 ORDER BY v.checked_at DESC, v.id DESC LIMIT 1`
	if err := tx.QueryRow(ctx, query, eventID).Scan(&document, &stale); err != nil {
		return nil, false, fmt.Errorf("read report: %w", err)
	}
	return document, stale, nil
}

// rescueVerifications lets running verify jobs wait again whose process was not seen for processes.AliveFor. A job
// names its process by the id of its row, without hyphens.
func rescueVerifications(ctx context.Context, tx pgx.Tx) (rescued int, err error) {
	const update = `UPDATE river.river_job j SET state = 'available', scheduled_at = now()
		WHERE j.kind = 'verify' AND j.state = 'running' AND j.attempted_at < now() - $1::interval
		  AND NOT EXISTS (SELECT FROM processes p WHERE p.seen_at > now() - $1::interval
		                  AND replace(p.id::text, '-', '') = j.attempted_by[cardinality(j.attempted_by)])`
	tag, err := tx.Exec(ctx, update, processes.AliveFor)
	if err != nil {
		return 0, fmt.Errorf("rescue verifications: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
