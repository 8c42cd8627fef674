package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// StartDue starts the events whose reserved time has come, by the database's clock, in their order. Events of the same
// second are a lane: the first of them that can start runs, the others wait until it is done. It may run in many
// processes at once: the gate and the lane's unique index let one of them start each.
//
// One look at what is due starts one event of a lane at most: while it works, the lane may become free, and what stands
// further down must not overtake what was refused before. Whoever frees the lane looks anew.
func (s *Events) StartDue(ctx context.Context) error {
	events, err := selectDue(ctx, s.Pool)
	if err != nil {
		return err
	}
	busy := map[time.Time]bool{}
	var errs []error
	for _, e := range events {
		if busy[e.lane] {
			continue
		}
		err := pg.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
			_, err := s.start(ctx, tx, e.id)
			return err
		})
		busy[e.lane] = err == nil || errors.Is(err, &domain.Error{Code: domain.LaneBusy})
		if err != nil && !waits(err) {
			errs = append(errs, fmt.Errorf("start event %d: %w", e.id, err))
		}
	}
	return errors.Join(errs...)
}

// waits says whether err is a reason for which a due event stays PENDING until the next time, or is gone.
func waits(err error) bool {
	e, ok := errors.AsType[*domain.Error](err)
	return ok && (e.Code == domain.LaneBusy || e.Code == domain.ImportRunning || e.Code == domain.NoTargets || e.Code == domain.WrongStatus || e.Code == domain.MissingKeys || e.Code == domain.NotFound)
}
