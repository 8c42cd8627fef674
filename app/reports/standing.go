package reports

import (
	"context"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Standing is a reason that should not be, and the events that stand still for it: none for one that will hold up
// events.
type Standing struct {
	Reason

	Events []int64 // by id
}

// StandingStill says what should not be and keeps events that run, or whose reserved time has come, from moving: in the
// order of the events, then the settings of which processes have different values, then what keeps event types from
// being made.
func (s *Reports) StandingStill(ctx context.Context) ([]Standing, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]Standing, error) {
		l, err := processes.Read(ctx, tx)
		if err != nil {
			return nil, err
		}
		return s.standingStill(ctx, tx, look{Installation: l})
	})
}

func (s *Reports) standingStill(ctx context.Context, tx pgx.Tx, l look) ([]Standing, error) {
	events, err := selectAtWork(ctx, tx)
	if err != nil {
		return nil, err
	}
	waiting, err := s.waitingFor(ctx, tx, events)
	if err != nil {
		return nil, err
	}
	unmade, err := l.unmade(ctx, tx)
	if err != nil {
		return nil, err
	}
	return addUnmade(l.addDifferences(standing(events, waiting)), unmade), nil
}

// standing gathers the events that wait for the same. One that waits for a person to start it stands still for nothing:
// what the start would meet keeps nothing from moving until then.
func standing(events []domain.Event, waiting map[int64][]Reason) (all []Standing) {
	at := map[Reason]int{}
	for _, e := range events {
		if e.Status == domain.Pending && e.Missed {
			continue
		}
		for _, r := range waiting[e.ID] {
			if !r.wrong() {
				continue
			}
			i, known := at[r]
			if !known {
				i, at[r] = len(all), len(all)
				all = append(all, Standing{Reason: r})
			}
			all[i].Events = append(all[i].Events, e.ID)
		}
	}
	return all
}
