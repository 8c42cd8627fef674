package verify

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// keptReports says how many reports of an event are kept.
const keptReports = 5

// MakeReport verifies an event for the one who asked, and keeps the report with the four before it. It may run twice:
// that makes two reports. An event that is gone needs none.
func (s *Verifier) MakeReport(ctx context.Context, eventID int64, by string) error {
	report, err := s.Verify(ctx, Query{Event: fmt.Sprintf("id:%d", eventID), By: by})
	if domain.IsCode(err, domain.NotFound) {
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

// compareKept compares parked messages, answers and reports with their digests, and what answers and reports once said
// of events with what the events are now (I43).
func compareKept(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if err := v.run(ctx, tx, invariant{file: "I43_kept_rows_are_whole"}, binding{}, f); err != nil {
		return err
	}
	list, err := readEvents(ctx, tx, v.event)
	if err != nil {
		return err
	}
	events := map[int64]domain.Event{}
	for _, e := range list {
		events[e.ID] = e
	}
	if err := compareAnswers(ctx, tx, v, f, events); err != nil {
		return err
	}
	return compareReports(ctx, tx, v, f, events)
}

// compareAnswers compares the stored answers that show an event. An answer is stored in the transaction that it tells
// of, and is kept for ever.
func compareAnswers(ctx context.Context, tx pgx.Tx, v *verification, f *finding, events map[int64]domain.Event) error {
	const query = `SELECT a.actor, a.key, a.answer, d.event_id IS NOT NULL
		FROM public.idempotency_keys a LEFT JOIN public.deleted_events d ON to_jsonb(d.event_id) = a.answer->'ID'
		WHERE a.answer ?& '{ID,CampaignID,Status}' AND ($1::bigint IS NULL OR a.answer->'ID' = to_jsonb($1::bigint))`
	rows, err := tx.Query(ctx, query, v.event)
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	var actor, key string
	var answer []byte
	var deleted bool
	_, err = pgx.ForEachRow(rows, []any{&actor, &key, &answer, &deleted}, func() error {
		var was domain.Event
		if err := json.Unmarshal(answer, &was); err != nil {
			f.differ("the answer that %s got under key %s cannot be read: %v", actor, key, err)
			return nil
		}
		now, there := events[was.ID]
		if why := answeredDiffers(was, now, there, deleted); why != "" {
			f.differ("event %d: the answer that %s got under key %s says that %s", was.ID, actor, key, why)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	return nil
}

// answeredDiffers returns what an answer says of an event that does not fit to the event now, "" if all fits. Nothing
// of a started event's terms changes any more, and it is never PENDING again nor deleted.
func answeredDiffers(was, now domain.Event, there, deleted bool) string {
	began := was.Status != domain.Pending || was.Summary.StartedAt != nil
	switch {
	case !there && began:
		return "it was started, and it is gone"
	case !there && !deleted:
		return "it was made, and it is gone without a record of its deletion"
	case !there || !began:
		return ""
	}
	return startedDiffers(was, now)
}

// startedDiffers is answeredDiffers of an event that was started by then.
func startedDiffers(was, now domain.Event) string {
	switch {
	case now.Status == domain.Pending:
		return "it was started, and it is PENDING"
	case !sameTime(was.Summary.StartedAt, now.Summary.StartedAt):
		return "it was started at another moment"
	case !sameTerms(was, now):
		return "it was started under other terms"
	case was.TotalCount != now.TotalCount || was.TotalAmount != now.TotalAmount:
		return fmt.Sprintf("it was started with %s and a sum of %s", english.Count(was.TotalCount, "target"),
			english.Number(was.TotalAmount))
	}
	return endedDiffers(was, now)
}

// endedDiffers is answeredDiffers of an event that was stopped or completed by then.
func endedDiffers(was, now domain.Event) string {
	switch {
	case was.Status == domain.Stopped && now.Summary.StoppedAt == nil:
		return "it was stopped, and nothing says when"
	case was.Status == domain.Stopped && now.Status == domain.Failed &&
		sameTime(was.Summary.StoppedAt, now.Summary.StoppedAt):
		return "a person stopped it at that moment, and it is FAILED"
	case was.Status == domain.Completed && now.Status != domain.Completed:
		return "it was completed, and it is " + string(now.Status)
	}
	return ""
}

func sameTerms(a, b domain.Event) bool {
	return a.CampaignID == b.CampaignID && a.DefaultReason == b.DefaultReason && a.DefaultAmount == b.DefaultAmount &&
		sameTime(a.ExpiryAt, b.ExpiryAt)
}

func sameTime(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

// compareReports compares the numbers of the service's last reports on each event, which were counted from its rows,
// with today's: targets, marks and grants are never taken back. A report with a difference says itself that rows were
// wrong.
func compareReports(ctx context.Context, tx pgx.Tx, v *verification, f *finding, events map[int64]domain.Event) error {
	const query = `SELECT id, event_id, report->'totals' FROM public.verify_reports
		WHERE ($1::bigint IS NULL OR event_id = $1) AND report::text !~ '"differences":[1-9]' AND report->'totals' IS NOT NULL`
	rows, err := tx.Query(ctx, query, v.event)
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	var id, eventID int64
	var totals []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &eventID, &totals}, func() error {
		var was Totals
		if err := json.Unmarshal(totals, &was); err != nil {
			f.differ("the totals of report %d on event %d cannot be read: %v", id, eventID, err)
			return nil
		}
		now := events[eventID]
		for _, n := range []struct {
			what    string
			was, is int64
		}{
			{"targets", was.Targets, int64(now.TotalCount)},
			{"published", was.Published, int64(now.Summary.Published)},
			{"granted", was.Success, int64(now.Summary.Success)},
		} {
			if n.was > n.is {
				f.differ("event %d: report %d counted %d %s, there are %d", eventID, id, n.was, n.what, n.is)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	return nil
}

// granting is what a report of one event says beside its invariants.
type granting struct {
	amounts Sums
	reasons []GivenUp
	lists   []ImportedList
}

// addGranting reads what a report of one event says beside its invariants. What cannot be read, since a forger left a
// table that no code of ours makes, is left out: the invariants name it.
func (v *verification) addGranting(ctx context.Context, tx pgx.Tx) error {
	if v.event == nil || len(v.taken) > 0 {
		return nil
	}
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("read granting: %w", err)
	}
	g, err := v.readGranting(ctx, savepoint)
	if err == nil {
		v.granting = g
		return savepoint.Commit(ctx)
	}
	if ctx.Err() != nil || pg.Unavailable(err) || tx.Conn().IsClosed() {
		return err
	}
	return savepoint.Rollback(ctx)
}

func (v *verification) readGranting(ctx context.Context, tx pgx.Tx) (g *granting, err error) {
	g = &granting{}
	for _, run := range v.tables.runs(perType) {
		if err := g.addType(ctx, tx, *v.event, run); err != nil {
			return nil, err
		}
	}
	const lists = `SELECT id, created_at, created_by, accepted, rejected, total_amount, sha256 FROM public.imports
		WHERE event_id = $1 AND accepted > 0 ORDER BY id`
	rows, err := tx.Query(ctx, lists, v.event)
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}
	g.lists, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ImportedList, err error) {
		var sum []byte
		err = row.Scan(&l.ImportID, &l.At, &l.By, &l.Accepted, &l.Rejected, &l.Amount, &sum)
		l.At, l.SHA256 = l.At.UTC(), hex.EncodeToString(sum)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}
	return g, nil
}

// addType adds the results of one type. An event has those of its own type only.
func (g *granting) addType(ctx context.Context, tx pgx.Tx, event int64, run binding) error {
	query := `SELECT code, count(*), sum(amount)::bigint FROM (
			SELECT amount, CASE WHEN status = 'SUCCESS' THEN '' ELSE coalesce(nullif(error_code, ''), 'unknown') END AS code
			FROM ` + run.results + ` WHERE event_id = $1 AND status IN ('SUCCESS', 'PERMANENTLY_FAILED')) r
		GROUP BY code ORDER BY 2 DESC, code`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("read reasons: %w", err)
	}
	reasons, err := pgx.CollectRows(rows, pgx.RowToStructByPos[GivenUp])
	if err != nil {
		return fmt.Errorf("read reasons: %w", err)
	}
	for _, r := range reasons {
		if r.ErrorCode == "" { // granted
			g.amounts.Success += r.Amount
			continue
		}
		g.amounts.Fail += r.Amount
		g.reasons = append(g.reasons, r)
	}
	return nil
}

// amountsOf returns the event's sums with those that the invariants measured.
func (v *verification) amountsOf(g granting) Sums {
	a := g.amounts
	for i, inv := range v.list {
		m := v.found[i].measures
		switch {
		case inv.id == "I3" && v.foreign == "" && m.get("success_sum") == a.Success: // all of it is in our ledger
			saves := m.get("saves_sum")
			a.Ledger = &saves
		case inv.id == "I7":
			a.Targets = m.get("targets_sum")
		}
	}
	return a
}
