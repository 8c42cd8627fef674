package verify

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// keptReports says how many reports of an event are kept.
const keptReports = 5

// MakeReport verifies an event for the one who asked, and keeps the report with the four before it. It may run twice:
// that makes two reports. An event that is gone needs none.
func (s *Verifier) MakeReport(ctx context.Context, eventID int64, by string) error {
	report, err := s.Verify(ctx, Query{Event: fmt.Sprintf("id:%d", eventID), By: by})
	if errors.Is(err, &domain.Error{Code: domain.NotFound}) {
		return nil
	}
	if err != nil {
		return err
	}
	document, err := report.Document()
	if err != nil {
		return err
	}
	return pg.InTx(ctx, s.c.Pool, func(tx pgx.Tx) error {
		if err := insertReport(ctx, tx, eventID, report, document); err != nil {
			return err
		}
		return deleteOldReports(ctx, tx, eventID)
	})
}

// insertReport keeps a report, unless its event is gone.
func insertReport(ctx context.Context, tx pgx.Tx, eventID int64, r Report, document []byte) error {
	const insert = `INSERT INTO verify_reports (event_id, ok, report, checked_at, checked_by)
		SELECT id, $2, $3::json, $4, $5 FROM campaign_events WHERE id = $1 FOR KEY SHARE`
	if _, err := tx.Exec(ctx, insert, eventID, r.OK, string(document), r.CheckedAt, r.By); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return nil
}

func deleteOldReports(ctx context.Context, tx pgx.Tx, eventID int64) error {
	const remove = `DELETE FROM verify_reports WHERE event_id = $1 AND id NOT IN (
		SELECT id FROM verify_reports WHERE event_id = $1 ORDER BY checked_at DESC, id DESC LIMIT $2)`
	if _, err := tx.Exec(ctx, remove, eventID, keptReports); err != nil {
		return fmt.Errorf("delete old reports: %w", err)
	}
	return nil
}

// DeleteHealedJobs removes the jobs that were cancelled or discarded seven days ago and whose work others have done.
// Until then, and as long as their work is not done, I15 tells of them.
func (s *Verifier) DeleteHealedJobs(ctx context.Context) error {
	// in the session's path
	return pg.InTx(ctx, s.c.Pool, func(tx pgx.Tx) error { return deleteHealedJobs(ctx, guarded{Tx: tx}) })
}

func deleteHealedJobs(ctx context.Context, tx pgx.Tx) error {
	types, err := readPresentTypes(ctx, tx)
	if err != nil {
		return err
	}
	remove := `DELETE FROM river.river_job WHERE id IN (SELECT l.id FROM (` + types.lostJobs() + `) l
		WHERE l.healed AND l.finalized_at < now() - interval '7 days')`
	if _, err := tx.Exec(ctx, remove); err != nil {
		return fmt.Errorf("delete healed jobs: %w", err)
	}
	return nil
}
