package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Page is a kind of run: a list's pages, of an event that was imported and not started.
const Page = "page"

// Pages holds what a page of targets takes, the median of many.
type Pages struct {
	First time.Duration `json:"first_ns"` // the first page
	Last  time.Duration `json:"last_ns"`  // the one behind 99 % of the targets
}

const (
	pageRows  = 100
	pageTimes = 200
)

// sqlPage is a keyset page of an event's targets.
const sqlPage = `SELECT id, member_id, amount, coalesce(reason, ''), publish_status, created_at FROM point_targets
	WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3`

// page imports as the pipeline does. Its run is the asking for pages.
type page struct {
	*pipeline
	arena *arena
	run   *Run
}

func (s *server) openPage(ctx context.Context, a *arena, r *Run) (*page, error) {
	p, err := s.openPipeline(ctx, a)
	if err != nil {
		return nil, err
	}
	return &page{p, a, r}, nil
}

// grant asks for the first page and for one near the end, in turns.
func (p *page) grant(ctx context.Context) error {
	var before int64
	if err := p.arena.pool.QueryRow(ctx, `SELECT min(id) - 1 FROM point_targets WHERE event_id = $1`,
		p.event.ID).Scan(&before); err != nil {
		return fmt.Errorf("read first target: %w", err)
	}
	p.run.Exact = true
	var first, last []time.Duration
	for range pageTimes {
		for _, at := range []struct {
			took  *[]time.Duration
			after int64
		}{{&first, before}, {&last, before + int64(p.targets)*99/100}} {
			took, err := p.ask(ctx, at.after)
			if err != nil {
				return err
			}
			*at.took = append(*at.took, took)
		}
	}
	p.run.Pages = &Pages{First: median(first), Last: median(last)}
	return nil
}

// ask reads the page behind the id after, which are the next targets: the ids of an import have no gaps.
func (p *page) ask(ctx context.Context, after int64) (time.Duration, error) {
	began := time.Now()
	rows, err := p.arena.pool.Query(ctx, sqlPage, p.event.ID, after, pageRows)
	if err != nil {
		return 0, fmt.Errorf("read page: %w", err)
	}
	ids, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (id int64, err error) {
		var member, reason, status string
		var amount int64
		var created time.Time
		return id, r.Scan(&id, &member, &amount, &reason, &status, &created)
	})
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("read page: %w", err)
	}
	if len(ids) != pageRows || ids[0] != after+1 || ids[pageRows-1] != after+pageRows {
		p.run.Exact = false
		p.run.Wrong = append(p.run.Wrong, fmt.Sprintf("a page behind %d has %d targets", after, len(ids)))
	}
	return took, nil
}
