package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// readUnlocked runs fn, and reports whether a table was locked that it reads. Then tx goes on as if fn had not been.
func readUnlocked(ctx context.Context, tx pgx.Tx, fn func(tx pgx.Tx) error) (locked bool, err error) {
	err = pgx.BeginFunc(ctx, tx, fn)
	if pg.LockTimedOut(err) {
		return true, nil
	}
	return false, err
}

// readStall finds out which of the events that are at work stand still, and why. Of events whose counters move it reads
// two rows by their keys, and nothing else.
func (l *look) readStall(ctx context.Context, tx pgx.Tx, events []domain.Event) error {
	quiet := slices.DeleteFunc(slices.Clone(events),
		func(e domain.Event) bool { return !l.atWork(e) || len(l.running(e)) > 0 })
	if len(quiet) == 0 || l.settling() {
		return nil
	}
	moved, err := selectQuiet(ctx, tx, quiet, l.stall.after)
	if err != nil || len(moved) == 0 {
		return err
	}
	if !l.stall.unread {
		l.stall.unread, err = readUnlocked(ctx, tx,
			func(tx pgx.Tx) error { return l.stall.read(ctx, tx, l.At, quiet, moved) })
	}
	if l.stall.unread {
		l.stall.events = moved
	}
	if err != nil || len(l.stall.events) == 0 {
		return err
	}
	if l.stall.blockers, err = pg.Blockers(ctx, tx); err != nil {
		return err
	}
	l.stall.silent, err = selectSilent(ctx, tx)
	return err
}

// selectQuiet returns those of the events whose rows have not changed for so long, and since when.
func selectQuiet(ctx context.Context, tx pgx.Tx, events []domain.Event, after time.Duration,
) (map[int64]time.Time, error) {
	const query = `SELECT e.id, greatest(e.updated_at, s.updated_at)
		FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id
		WHERE e.id = ANY ($1) AND greatest(e.updated_at, s.updated_at) < clock_timestamp() - $2::interval`
	ids := make([]int64, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	rows, err := tx.Query(ctx, query, ids, after)
	if err != nil {
		return nil, fmt.Errorf("read events that do not move: %w", err)
	}
	moved := map[int64]time.Time{}
	var (
		id int64
		at time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		moved[id] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events that do not move: %w", err)
	}
	return moved, nil
}

// read looks at the chunks and jobs of quiet events: what is left of an event may wait for the time of its retries, or
// may have moved without a change of its counters.
func (s *stall) read(ctx context.Context, tx pgx.Tx, now time.Time, quiet []domain.Event,
	moved map[int64]time.Time,
) error {
	s.events, s.broken = map[int64]time.Time{}, map[int64]bool{}
	for _, e := range quiet {
		since, is := moved[e.ID]
		if !is {
			continue
		}
		refused := map[int64]int{}
		if err := countRefused(ctx, tx, e.Type.ResultTable(), []int64{e.ID}, refused); err != nil {
			return err
		}
		m, err := selectMotion(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		waitsForRetries := m.retryAt.After(now) && e.Status == domain.Running &&
			e.TotalCount-e.Summary.Success-e.Summary.Fail == refused[e.ID]
		if m.at.After(since) {
			since = m.at
		}
		if !waitsForRetries && now.Sub(since) >= s.after {
			s.events[e.ID], s.broken[e.ID] = since, m.broken
		}
	}
	return nil
}

// motion is when something of an event moved last, beside its counters.
type motion struct {
	at      time.Time // zero: never. It lies in the future where a job is due soon.
	retryAt time.Time // when the next retry is due; zero: none waits
	broken  bool      // two claims of a chunk in a row did not come back
}

// selectMotion reads when a chunk of the event was published, claimed for the first time, or given back, and when its
// jobs were due or begun. A claim or an attempt after one that did not come back is no motion.
func selectMotion(ctx context.Context, tx pgx.Tx, id int64) (m motion, err error) {
	const query = `WITH chunks AS (
			SELECT max(greatest(published_at, claimed_at, settled_at, CASE WHEN claim_token IS NULL THEN updated_at END)) AS at,
				coalesce(bool_or(attempts > 1), false) AS broken
			FROM grant_chunks WHERE event_id = $1
		), jobs AS (
			SELECT max(greatest(scheduled_at, attempted_at)) FILTER (WHERE attempt <= 1 AND (NOT retry OR scheduled_at <= now())) AS at,
				min(scheduled_at) FILTER (WHERE retry AND scheduled_at > now()) AS retry_at
			FROM (SELECT scheduled_at, attempted_at, attempt, args->>'mode' = $3 AS retry FROM river.river_job
				WHERE kind = $2 AND state IN ('available', 'running', 'retryable', 'scheduled')
				  AND args @> jsonb_build_object('event_id', $1::bigint)) j
		)
		SELECT coalesce(greatest(chunks.at, jobs.at), 'epoch'), coalesce(jobs.retry_at, 'epoch'), chunks.broken FROM chunks, jobs`
	if err := tx.QueryRow(ctx, query, id, outbox.RelayKind, string(outbox.Retry)).Scan(&m.at, &m.retryAt,
		&m.broken); err != nil {
		return m, fmt.Errorf("read motion of event %d: %w", id, err)
	}
	return m, nil
}

// selectSilent reads the processes that were seen within the last hour, but not lately.
func selectSilent(ctx context.Context, tx pgx.Tx) (silent []processes.Process, err error) {
	const query = `SELECT coalesce(jsonb_agg(p ORDER BY p.seen_at DESC, p.id), '[]') FROM processes p
		WHERE p.seen_at < now() - $1::interval OR p.gone >= greatest(p.life, 1)`
	var body []byte
	if err := tx.QueryRow(ctx, query, silentAfter).Scan(&body); err != nil {
		return nil, fmt.Errorf("read silent processes: %w", err)
	}
	if err := json.Unmarshal(body, &silent); err != nil {
		return nil, fmt.Errorf("read silent processes: %w", err)
	}
	return silent, nil
}

// selectRedriven returns which events have members that a person has tried again and that are not answered yet.
func selectRedriven(ctx context.Context, tx pgx.Tx, types []domain.EventType) (map[int64]bool, error) {
	redriven := map[int64]bool{}
	for _, t := range types {
		// The difference is written as in its index, or that is not used.
		query := `SELECT DISTINCT event_id FROM ` + pg.Quoted(t.ResultTable()) +
			` WHERE redrive - redrive_done > 0 AND status = 'PERMANENTLY_FAILED'`
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("read redriven events: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, fmt.Errorf("read redriven events: %w", err)
		}
		for _, id := range ids {
			redriven[id] = true
		}
	}
	return redriven, nil
}
