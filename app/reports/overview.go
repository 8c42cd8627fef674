package reports

import (
	"cmp"
	"context"
	"slices"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

const (
	// overviewRuns is the most running events that are told whole.
	overviewRuns = 8
	// overviewEnded is how many of the last events are told that are at their end, or that were stopped.
	overviewEnded = 6
	// mostRunning is the most running events that are counted: lanes keep them few.
	mostRunning = 1000
	// mostParked is the most parked messages that are counted.
	mostParked = 99
)

// Runs says how the events go that run.
type Runs struct {
	At      time.Time  // the moment, by the database's clock
	Running int        // events that run
	All     []Progress // the newest of them, by id; one of them may have come to its end meanwhile
}

// Overview says how all events go.
type Overview struct {
	Runs

	Standing []Standing // what events stand still for
	Queue    Queue
	Ended    []domain.Event // the last that are at their end, or that a person or a fault has stopped
	Parked   int            // messages that wait for a person; at most mostParked
}

// Runs reads how the events go that run. What was read of one a moment ago for those who follow it is told again.
func (s *Reports) Runs(ctx context.Context) (r Runs, err error) {
	var running []domain.Event
	err = pg.InTxWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (err error) {
		if r.At, err = pg.Now(ctx, tx); err != nil {
			return err
		}
		f := eventrow.Filter{Statuses: []domain.Status{domain.Running}, Limit: mostRunning}
		running, err = eventrow.List(ctx, tx, f)
		return err
	})
	if err != nil {
		return r, err
	}
	r.Running = len(running)
	for _, e := range running[:min(len(running), overviewRuns)] {
		p, err := s.Follow(ctx, e.ID)
		if err != nil {
			return r, err
		}
		r.All = append(r.All, p)
	}
	return r, nil
}

// Overview reads how all events go.
func (s *Reports) Overview(ctx context.Context) (o Overview, err error) {
	if o.Runs, err = s.Runs(ctx); err != nil {
		return o, err
	}
	if o.Standing, err = s.StandingStill(ctx); err != nil {
		return o, err
	}
	if o.Queue, err = s.Queue(ctx); err != nil {
		return o, err
	}
	err = pg.InTxWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (err error) {
		if o.Ended, err = selectEnded(ctx, tx); err != nil {
			return err
		}
		replayed := false
		messages, err := outbox.ListParked(ctx, tx, outbox.ParkedFilter{Replayed: &replayed, Limit: mostParked})
		o.Parked = len(messages)
		return err
	})
	return o, err
}

// FollowRuns is Runs for those who look again and again.
func (s *Reports) FollowRuns(ctx context.Context) (Runs, error) { return s.runs.get(ctx, all) }

// FollowOverview is Overview for those who look again and again.
func (s *Reports) FollowOverview(ctx context.Context) (Overview, error) {
	return s.overviews.get(ctx, all)
}

// all is the id under which those share what is told of all events.
const all = 0

// selectEnded reads the newest events of each status in which nothing is granted any more, the last moved first.
func selectEnded(ctx context.Context, tx pgx.Tx) (ended []domain.Event, err error) {
	for _, status := range []domain.Status{domain.Completed, domain.Stopped, domain.Failed} {
		events, err := eventrow.List(ctx, tx,
			eventrow.Filter{Statuses: []domain.Status{status}, Limit: overviewEnded})
		if err != nil {
			return nil, err
		}
		ended = append(ended, events...)
	}
	slices.SortStableFunc(ended, func(a, b domain.Event) int { return endedAt(b).Compare(endedAt(a)) })
	return ended[:min(len(ended), overviewEnded)], nil
}

// endedAt is when an event has come to its end or was stopped.
func endedAt(e domain.Event) time.Time {
	if e.Status == domain.Stopped {
		return *cmp.Or(e.Summary.StoppedAt, &e.UpdatedAt)
	}
	return *cmp.Or(e.Summary.CompletedAt, &e.UpdatedAt)
}
