package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// StartDue starts the events whose reserved time has come, by the database's clock, in their order. Events of the same
// second are a lane: the first of them that can start runs, the others wait until it is done. It may run in many
// processes at once: the gate and the lane's unique index let one of them start each.
//
// One look at what is due starts one event of a lane at most: while it works, the lane may become free, and what stands
// further down must not overtake what was refused before. When the lane is free, it is looked at anew.
func (s *Events) StartDue(ctx context.Context) error {
	events, err := selectDue(ctx, s.pool)
	if err != nil {
		return err
	}
	busy := map[time.Time]bool{}
	var errs []error
	began := time.Now()
	for _, e := range events {
		if busy[e.lane] {
			continue
		}
		err := pg.InTxWithin(ctx, s.pool, ofATimetable.left(began),
			func(tx pgx.Tx) error { return s.startOne(ctx, tx, e.id) })
		stays := errors.Is(err, errGateTaken) || waits(err)
		busy[e.lane] = err == nil || !stays || errors.Is(err, errGateTaken) ||
			domain.IsCode(err, domain.LaneBusy)
		switch {
		case err == nil:
			s.log.InfoContext(ctx, "event is started", obs.EventID, e.id, "by", byTimetable)
		case !stays:
			errs = append(errs, eventError("start", e.id, err))
		}
		if err := failpoint.Hit(ctx, failpoint.StartDueBetween); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// byTimetable says who starts the events whose time has come.
const byTimetable = "timetable"

// errGateTaken means that another transaction holds the event's gate. That one, or the timetable, looks again.
var errGateTaken = errors.New("another session has the event's gate")

// startOne starts a due event, but does not wait for who has its gate, nor for a brake that waits for a slow start: a
// stop of another event may be waiting for us.
func (s *Events) startOne(ctx context.Context, tx pgx.Tx, id int64) error {
	free, err := pg.TryLockShared(ctx, tx, pg.Brake, pg.Moves)
	if err == nil && free {
		free, err = pg.TryLock(ctx, tx, pg.Gate, id)
	}
	if err != nil {
		return err
	}
	if !free {
		return errGateTaken
	}
	_, _, err = s.start(ctx, tx, command.Caller{}, id)
	return err
}

// startNext is StartDue for a lane whose turn has ended. It returns no error, since the timetable looks too.
func (s *Events) startNext(ctx context.Context) {
	if err := s.StartDue(ctx); err != nil {
		s.log.ErrorContext(ctx, "due events were not started, the timetable tries again", obs.Err, err)
	}
}

// waits reports whether err is a reason for which a due event stays PENDING until the next time, or is gone.
func waits(err error) bool {
	e, ok := errors.AsType[*domain.Error](err)
	return ok && slices.Contains(waiting, e.Code)
}

// waiting are the codes with which a due event stays where it is.
var waiting = []domain.Code{
	domain.LaneBusy, domain.BrakeEngaged, domain.ImportRunning, domain.NoTargets, domain.WrongStatus,
	domain.MissingKeys,
	domain.NotFound, domain.Expired, domain.TermsRefused, domain.ContentChanged,
	domain.PassesLimit, domain.LimitsMissing, domain.GranterUnknown,
}
