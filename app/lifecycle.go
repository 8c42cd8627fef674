package app

import (
	"cmp"
	"context"
	"errors"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Start runs an event by hand: its pending jobs become available (T2). Asked again of an event that it started it
// changes nothing, and a repeated key does not undo a stop that came after it. moved reports whether it was this call
// that started the event, or the first one of a repeated key. Errors: domain.NotFound, WrongStatus, NoTargets,
// ImportRunning, LaneBusy, MissingKeys, Expired, TermsRefused, ContentChanged, BrakeEngaged, PassesLimit,
// LimitsMissing, GranterUnknown.
func (s *Events) Start(ctx context.Context, by command.Caller, id int64,
) (answer command.Answer[domain.Event], moved bool, err error) {
	answer, err = command.Run(ctx, s.pool, by, command.Command[domain.Event]{
		Before: failpoint.StartBeforeCommit, After: failpoint.StartAfterCommit,
		Do: func(tx pgx.Tx) (e domain.Event, err error) {
			e, moved, err = s.start(ctx, tx, by, id)
			return e, err
		},
		OnReplay: func(tx pgx.Tx) (domain.Event, error) {
			moved = true
			return goesOn(ctx, tx, id)
		},
	})
	s.tellMoved(ctx, "event is started", answer, moved && err == nil, by)
	return answer, moved && err == nil, err
}

// tellMoved logs that a person has moved an event, once for a repeated key.
func (s *Events) tellMoved(ctx context.Context, step string, answer command.Answer[domain.Event], moved bool,
	by command.Caller,
) {
	if moved && !answer.Replayed {
		s.log.InfoContext(ctx, step, obs.EventID, answer.Value.ID, "by", by.Actor)
	}
}

// goesOn returns the event as it is now, for a repeated key that had it started or resumed. Error: domain.WrongStatus
// where it neither runs nor is complete: what stopped it came later, and stands.
func goesOn(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	e, err := eventrow.Select(ctx, tx, id)
	if err != nil || e.Status == domain.Running || e.Status == domain.Completed {
		return e, err
	}
	return e, domain.WrongStatusError(
		e.Status,
		"the event is "+string(e.Status)+": this Idempotency-Key was answered before that",
		"if the event shall go on, resume it with a new Idempotency-Key",
	)
}

func (s *Events) start(
	ctx context.Context, tx pgx.Tx, by command.Caller, id int64,
) (e domain.Event, moved bool, err error) {
	if err := lockMoves(ctx, tx); err != nil {
		return e, false, err
	}
	e, to, err := enter(ctx, tx, id, domain.Start)
	if err != nil || e.Status == to {
		return e, false, err
	}
	if err := s.mayStart(ctx, tx, e); err != nil {
		return e, false, err
	}
	if err := eventrow.Move(ctx, tx, id, e.Status, to); err != nil {
		return e, false, err
	}
	if err := outbox.Release(ctx, tx, id); err != nil {
		return e, false, err
	}
	at, err := eventrow.StampStarted(ctx, tx, id)
	if err != nil {
		return e, false, err
	}
	if err := s.keepRoot(ctx, tx, e, content.Start{At: at, By: cmp.Or(by.Actor, byTimetable)}); err != nil {
		return e, false, err
	}
	if err := recordMove(ctx, tx, by, domain.Start, e, to, ""); err != nil {
		return e, false, err
	}
	e, err = eventrow.Select(ctx, tx, id)
	return e, true, err
}

// enter takes the event's gate, and only then reads the event and says where the move leads: to where it is already, if
// it is asked for again. Errors: domain.NotFound, WrongStatus.
func enter(ctx context.Context, tx pgx.Tx, id int64, m domain.Move) (e domain.Event, to domain.Status, err error) {
	if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
		return e, to, err
	}
	if e, err = eventrow.Select(ctx, tx, id); err != nil || e.Repeats(m) {
		return e, e.Status, err
	}
	to, err = e.Status.After(m)
	return e, to, err
}

// mayStart refuses what must not run yet. A running import holds the import lock until its transaction ends, so one
// that began before the start is seen here, and one that begins after it finds the event RUNNING.
func (s *Events) mayStart(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	free, err := pg.TryLockShared(ctx, tx, pg.Import, e.ID)
	if err != nil {
		return err
	}
	brake, err := obstacle.Engaged(ctx, tx, e.Type.Code)
	if err != nil {
		return err
	}
	largest, err := obstacle.Largest(ctx, tx, e)
	if err != nil {
		return err
	}
	unserved, err := processes.IsUnserved(ctx, tx, e.Type)
	if err != nil {
		return err
	}
	if err := s.rules.Refuse(e, obstacle.Met{
		Brake: brake, Importing: !free, Largest: largest,
		Unserved: unserved,
	}); err != nil {
		return err
	}
	return eventrow.LaneFree(ctx, tx, e)
}

// Close completes the event if every target is final and published (T7), and lets the lane's next one start. It may be
// called at any time, any number of times.
func (s *Events) Close(ctx context.Context, id int64) error {
	return s.closeWithin(ctx, id, closeWait)
}

func (s *Events) closeWithin(ctx context.Context, id int64, wait time.Duration) error {
	closed, err := s.close(ctx, id, wait)
	if err != nil || !closed {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.CloseAfterCommit); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "event is completed", obs.EventID, id)
	s.startNext(ctx)
	return nil
}

func (s *Events) close(ctx context.Context, id int64, wait time.Duration) (closed bool, err error) {
	err = pg.InTxWithin(ctx, s.pool, wait, func(tx pgx.Tx) error {
		closed = false
		if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
			return err
		}
		e, err := eventrow.Select(ctx, tx, id)
		if err != nil {
			return err
		}
		if e.Status != domain.Running || !e.Done() {
			return nil // it was closed meanwhile, or it goes on
		}
		to, err := e.Status.After(domain.Close)
		if err != nil {
			return err
		}
		if err := eventrow.Move(ctx, tx, id, e.Status, to); err != nil {
			return err
		}
		if err := eventrow.StampCompleted(ctx, tx, id); err != nil {
			return err
		}
		closed = true
		return failpoint.Hit(ctx, failpoint.CloseBeforeCommit)
	})
	return closed && err == nil, err
}

// CloseDone closes every event that is done and still RUNNING: the net under Close, which a crash between the last
// settling and the closing, or a mark that came after it, leaves undone.
func (s *Events) CloseDone(ctx context.Context) error {
	ids, err := selectDone(ctx, s.pool)
	if err != nil {
		return err
	}
	var errs []error
	began := time.Now()
	for _, id := range ids {
		if err := s.closeWithin(ctx, id, ofATimetable.left(began)); err != nil {
			errs = append(errs, eventError("close", id, err))
		}
		if err := failpoint.Hit(ctx, failpoint.CloseDoneBetween); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// Stopped is a stopped event and how many of its claims are open: a grant of those may still be applied.
type Stopped struct {
	Event    domain.Event
	Draining int
}

// Stop ends the granting of a running event: none of its grants begins any more. It answers when no claim of the event
// is open, or after at most drainWait, and says how many still are. Asked again of a stopped event it changes nothing
// and counts again; a repeated key stops an event that was resumed since. Errors: domain.NotFound, WrongStatus, Invalid
// for a memo that is empty or too long, Unavailable while another session keeps the event locked. (T8)
func (s *Events) Stop(ctx context.Context, by command.Caller, id int64, memo string) (Stopped, error) {
	memo, err := checkMemo(memo)
	if err != nil {
		return Stopped{}, err
	}
	var moved bool
	stop := command.Command[domain.Event]{
		Before: failpoint.StopBeforeCommit, After: failpoint.StopAfterCommit,
		Do: func(tx pgx.Tx) (e domain.Event, err error) {
			if err := pg.LimitLocks(ctx, tx, stopWait); err != nil {
				return e, err
			}
			e, moved, err = stopEvent(ctx, tx, by, id, memo)
			return e, err
		},
	}
	stopped, err := command.Run(ctx, s.pool, by, stop.Anew())
	if err != nil {
		return Stopped{}, notStopped(err)
	}
	if moved {
		s.log.InfoContext(ctx, "event is stopped", obs.EventID, id, "by", by.Actor, "memo", memo)
	}
	s.startNext(ctx)
	if err := failpoint.Hit(ctx, failpoint.StopBeforeDrain); err != nil {
		return Stopped{}, err
	}
	open, err := s.drained(ctx, id)
	if err != nil || ctx.Err() != nil {
		return Stopped{stopped.Value, open}, stoppedBut(err)
	}
	// The claims that were open at the stop have counted what they granted.
	after, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (domain.Event, error) { return eventrow.Select(ctx, tx, id) })
	if err != nil || after.Status != stopped.Value.Status {
		after = stopped.Value // it was resumed meanwhile
	}
	return Stopped{after, open}, stoppedBut(err)
}

// checkMemo returns the memo in NFC, or domain.Invalid for one that is no text.
func checkMemo(memo string) (string, error) {
	memo = norm.NFC.String(memo)
	why := domain.CheckText(memo, domain.MaxReason)
	if memo == "" {
		why = "is missing"
	}
	if why == "" {
		return memo, nil
	}
	return "", domain.InvalidError("the memo cannot be used",
		"say why in 1 to 500 characters", domain.Field{Name: "memo", Message: why})
}

func stopEvent(
	ctx context.Context, tx pgx.Tx, by command.Caller, id int64, memo string,
) (e domain.Event, moved bool, err error) {
	e, to, err := enter(ctx, tx, id, domain.Stop)
	if err != nil || e.Status == to {
		return e, false, err
	}
	if err := eventrow.Move(ctx, tx, id, e.Status, to); err != nil {
		return e, false, err
	}
	if err := outbox.Hold(ctx, tx, id); err != nil {
		return e, false, err
	}
	if err := eventrow.StampStopped(ctx, tx, id, "", memo); err != nil {
		return e, false, err
	}
	if err := recordMove(ctx, tx, by, domain.Stop, e, to, memo); err != nil {
		return e, false, err
	}
	e, err = eventrow.Select(ctx, tx, id)
	return e, true, err
}

const (
	// leastDrain is the least time that a stop waits for claims that are open, however short they are.
	leastDrain = 15 * time.Second
	drainPoll  = 50 * time.Millisecond
)

// drained waits until no claim of the event is open, or the event is at work again, and returns how many are open.
func (s *Events) drained(ctx context.Context, id int64) (open int, err error) {
	err = s.awaitDrain(ctx, func(ctx context.Context) (over bool, err error) {
		var resumed bool
		open, resumed, err = selectOpenClaims(ctx, s.pool, id)
		return open == 0 || resumed, err
	})
	return open, err
}

// awaitDrain looks until it is over, for at most drainWait, or until the caller waits no more.
func (s *Events) awaitDrain(ctx context.Context, look func(ctx context.Context) (over bool, err error)) error {
	deadline := time.Now().Add(s.drainWait)
	looking, cancel := context.WithDeadline(ctx, deadline.Add(stopWait)) // a look may meet a lock
	defer cancel()
	for {
		over, err := look(looking)
		if err != nil || over || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(drainPoll):
		}
	}
}

// Resume lets a stopped or failed event go on: its jobs become available, and every chunk that is not settled gets a
// job (T2). Asked again of an event that it resumed it changes nothing, and a repeated key does not undo a stop that
// came after it. moved is as of Start. Errors: domain.NotFound, WrongStatus, LaneBusy, MissingKeys, Expired,
// TermsRefused, ContentChanged, BrakeEngaged, PassesLimit, LimitsMissing, GranterUnknown.
func (s *Events) Resume(ctx context.Context, by command.Caller, id int64,
) (answer command.Answer[domain.Event], moved bool, err error) {
	answer, err = command.Run(ctx, s.pool, by, command.Command[domain.Event]{
		Before: failpoint.ResumeBeforeCommit, After: failpoint.ResumeAfterCommit,
		Do: func(tx pgx.Tx) (e domain.Event, err error) {
			e, moved, err = s.resume(ctx, tx, by, id)
			return e, err
		},
		OnReplay: func(tx pgx.Tx) (domain.Event, error) {
			moved = true
			return goesOn(ctx, tx, id)
		},
	})
	s.tellMoved(ctx, "event is resumed", answer, moved && err == nil, by)
	return answer, moved && err == nil, err
}

func (s *Events) resume(
	ctx context.Context, tx pgx.Tx, by command.Caller, id int64,
) (e domain.Event, moved bool, err error) {
	if err := lockMoves(ctx, tx); err != nil {
		return e, false, err
	}
	e, to, err := enter(ctx, tx, id, domain.Resume)
	if err != nil || e.Status == to {
		return e, false, err
	}
	if err := s.mayStart(ctx, tx, e); err != nil {
		return e, false, err
	}
	if err := s.checkRoot(ctx, tx, e); err != nil {
		return e, false, err
	}
	if err := outbox.LockTargets(ctx, tx, e.Type); err != nil {
		return e, false, err
	}
	if err := eventrow.Move(ctx, tx, id, e.Status, to); err != nil {
		return e, false, err
	}
	if err := eventrow.ClearFailure(ctx, tx, id); err != nil {
		return e, false, err
	}
	if err := outbox.Release(ctx, tx, id); err != nil {
		return e, false, err
	}
	if err := outbox.Requeue(ctx, tx, s.river, e.Type, id, s.relayChunks); err != nil {
		return e, false, err
	}
	if err := recordMove(ctx, tx, by, domain.Resume, e, to, ""); err != nil {
		return e, false, err
	}
	e, err = eventrow.Select(ctx, tx, id)
	return e, true, err
}
