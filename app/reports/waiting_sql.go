package reports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// readLook reads what the reasons of the events are told by.
func (s *Reports) readLook(ctx context.Context, tx pgx.Tx, events []domain.Event) (l look, err error) {
	l.stall.after = s.stalledAfter
	if l.Installation, err = processes.Read(ctx, tx); err != nil {
		return l, err
	}
	if l.brakes, err = obstacle.Brakes(ctx, tx); err != nil {
		return l, err
	}
	if ids := limited(events); len(ids) > 0 {
		if l.largest, _, err = obstacle.LargestAmounts(ctx, tx, ids); err != nil {
			return l, err
		}
	}
	if slices.ContainsFunc(events, func(e domain.Event) bool { return e.Status == domain.Pending }) {
		if l.runners, err = selectRunners(ctx, tx); err != nil {
			return l, err
		}
		if l.importing, err = pg.Locked(ctx, tx, pg.Import); err != nil {
			return l, err
		}
	}
	return l, l.readWork(ctx, tx, events)
}

// readWork reads what the events that are at work need, or why they do not move.
func (l *look) readWork(ctx context.Context, tx pgx.Tx, events []domain.Event) error {
	unserved := func(e domain.Event) bool { return e.Status == domain.Running && l.Unserved(e.Type) }
	locked, err := readUnlocked(ctx, tx, func(tx pgx.Tx) (err error) {
		if l.redriven, err = selectRedriven(ctx, tx, completedTypes(events)); err != nil {
			return err
		}
		if l.troubled() || slices.ContainsFunc(events, unserved) {
			l.needs, err = readNeeds(ctx, tx, events)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.stall.unread = locked
	return l.readStall(ctx, tx, events)
}

// completedTypes lists the types of the events that are COMPLETED, each once.
func completedTypes(events []domain.Event) (types []domain.EventType) {
	for _, e := range events {
		known := slices.ContainsFunc(types, func(t domain.EventType) bool { return t.Code == e.Type.Code })
		if e.Status == domain.Completed && !known {
			types = append(types, e.Type)
		}
	}
	return types
}

// limited lists the events that a start or a resume may meet with a limit for each target.
func limited(events []domain.Event) (ids []int64) {
	for _, e := range events {
		if e.Type.Limits.PerMember > 0 && e.Status != domain.Running && e.Status != domain.Completed {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// selectRunners reads which event runs in which lane.
func selectRunners(ctx context.Context, tx pgx.Tx) (map[int64]int64, error) {
	const query = `SELECT extract(epoch FROM reservation_at)::bigint, id FROM campaign_events
		WHERE event_status = 'RUNNING' AND reservation_at IS NOT NULL`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	runners := map[int64]int64{}
	var lane, id int64
	_, err = pgx.ForEachRow(rows, []any{&lane, &id}, func() error {
		runners[lane] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	return runners, nil
}

// soon says how far ahead a relay job counts as one that waits for a relay: as long as one sleeps that could not
// publish.
const soon = 15 * time.Second

// readNeeds says what the running events among those asked about need.
func readNeeds(ctx context.Context, tx pgx.Tx, events []domain.Event) (map[int64]need, error) {
	ids := map[string][]int64{} // by the table of their results
	var all []int64
	for _, e := range events {
		if e.Status == domain.Running {
			ids[e.Type.ResultTable()] = append(ids[e.Type.ResultTable()], e.ID)
			all = append(all, e.ID)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	jobs, err := selectDueRelays(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	refused := map[int64]int{}
	for table, of := range ids {
		if err := countRefused(ctx, tx, table, of, refused); err != nil {
			return nil, err
		}
	}
	needs := map[int64]need{}
	for _, e := range events {
		if e.Status == domain.Running {
			needs[e.ID] = needOf(e, jobs[e.ID], refused[e.ID])
		}
	}
	return needs, nil
}

// needOf says what a running event needs that has a relay job that is due or not, and so many members refused for now.
func needOf(e domain.Event, due bool, refused int) need {
	settled := e.Summary.Success + e.Summary.Fail
	return need{
		relay:   due || e.Summary.Published < e.TotalCount,
		handler: e.Summary.Published-settled-refused > 0,
		jobs:    e.Done(),
	}
}

// selectDueRelays says which of the events have a relay job whose time has come, or comes soon.
func selectDueRelays(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]bool, error) {
	const query = `SELECT e.id FROM unnest($1::bigint[]) AS e (id) WHERE EXISTS (SELECT FROM river.river_job j
		WHERE j.kind = 'relay' AND j.state IN ('available', 'running', 'retryable', 'scheduled')
		  AND j.scheduled_at < now() + $2::interval AND j.args @> jsonb_build_object('event_id', e.id))`
	rows, err := tx.Query(ctx, query, ids, soon)
	if err != nil {
		return nil, fmt.Errorf("read due relay jobs: %w", err)
	}
	due := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		due[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read due relay jobs: %w", err)
	}
	return due, nil
}

// countRefused adds how many members of each event wait for a retry, from the partial index that holds nothing settled.
func countRefused(ctx context.Context, tx pgx.Tx, table string, ids []int64, refused map[int64]int) error {
	query := `SELECT event_id, count(*) FROM ` + pg.Quoted(table) +
		` WHERE event_id = ANY($1) AND status = 'FAILED' GROUP BY event_id`
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return fmt.Errorf("count refused members: %w", err)
	}
	var (
		id int64
		n  int
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		refused[id] = n
		return nil
	})
	if err != nil {
		return fmt.Errorf("count refused members: %w", err)
	}
	return nil
}

// selectAtWork reads the events that run, those whose reserved time has come, and those of which a person has members
// tried again.
func selectAtWork(ctx context.Context, tx pgx.Tx) ([]domain.Event, error) {
	var redriven map[int64]bool
	_, err := readUnlocked(ctx, tx, func(tx pgx.Tx) error {
		types, err := eventrow.ListTypes(ctx, tx)
		if err != nil {
			return err
		}
		redriven, err = selectRedriven(ctx, tx, types)
		return err
	})
	if err != nil {
		return nil, err
	}
	const where = ` WHERE e.event_status = 'RUNNING' OR e.event_status = 'PENDING' AND e.reservation_at <= now()
		OR e.event_status = 'COMPLETED' AND e.id = ANY ($1) ORDER BY e.id`
	rows, err := tx.Query(ctx, `SELECT `+eventrow.Columns+` FROM `+eventrow.Tables+where,
		slices.Collect(maps.Keys(redriven)))
	if err != nil {
		return nil, fmt.Errorf("read events at work: %w", err)
	}
	events, err := pgx.CollectRows(rows, eventrow.Scan)
	if err != nil {
		return nil, fmt.Errorf("read events at work: %w", err)
	}
	return events, nil
}
