package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Braked holds what a brake did: its row, and the events that it stopped or of which claims are still open.
type Braked struct {
	Brake  domain.Brake
	Events []Stopped
}

// Draining returns how many claims of the events are open: a grant of those may still be applied.
func (b Braked) Draining() (open int) {
	for _, e := range b.Events {
		open += e.Draining
	}
	return open
}

// Brake engages a brake and stops every running event in its scope (T15). From the COMMIT of its row nothing in the
// scope is claimed (T4). Then it waits for the starts, resumes, redrives and claims that had not seen the row; it stops
// what runs by then, and answers when no claim in the scope is open, or after at most drainWait, and says how many
// still are. A brake that is engaged already stays as it is, and what it has left undone is done. A repeated key does
// all of it again, since the brake may have been released, and names the events of the stored answer too. Killed
// anywhere after the row's COMMIT, the brake stands, and the timetable stops what runs (StopBraked).
//
// Errors: domain.Invalid for a memo, or a scope that is neither "all" nor the type of any event; domain.Unavailable
// while a start that began before the brake does not end, or another session keeps an event locked that runs.
func (s *Events) Brake(ctx context.Context, by command.Caller, scope domain.BrakeScope,
	memo string,
) (b Braked, err error) {
	before, err := s.brakedBefore(ctx, by)
	if err != nil {
		return b, err
	}
	if b.Brake, err = s.engage(ctx, by, scope, memo); err != nil {
		return b, notEngaged(err)
	}
	if b.Events, err = s.enforce(ctx, b.Brake, before); err != nil {
		return b, engagedBut(err)
	}
	answer := command.Command[Braked]{
		Before: failpoint.BrakeBeforeAnswer, After: failpoint.BrakeAfterAnswer,
		Do: func(pgx.Tx) (Braked, error) { return b, nil },
	}
	answered, err := command.Run(ctx, s.pool, by, answer.Anew())
	return answered.Value, err
}

// enforceWithin bounds what a brake does after the commit of its row: its locks, the stops and the drain have bounds of
// their own, and what it reads may meet a table that another session keeps locked.
const enforceWithin = 50 * time.Second

// enforce stops what runs in the scope of an engaged brake, and waits for the claims that are open. It returns the
// events that it stopped, those of which claims are open, and those of before.
func (s *Events) enforce(ctx context.Context, b domain.Brake, before []int64) ([]Stopped, error) {
	ctx, cancel := context.WithTimeout(ctx, enforceWithin)
	defer cancel()
	if err := s.passLocks(ctx); err != nil {
		return nil, err
	}
	stopped, err := s.stopBraked(ctx, b, ofABrake)
	if err != nil {
		return nil, err
	}
	s.startNext(ctx) // a lane may be free for an event that is not in the scope
	claimed, err := selectClaimedIn(ctx, s.pool, b.Scope)
	if err != nil {
		return nil, err
	}
	return s.drainEach(ctx, merge(stopped, claimed, before))
}

// brakedBefore returns the ids of the events that the stored answer of by's key names, none where there is no answer.
func (s *Events) brakedBefore(ctx context.Context, by command.Caller) (ids []int64, err error) {
	told, _, err := command.Answered[Braked](ctx, s.pool, by)
	for _, e := range told.Events {
		ids = append(ids, e.Event.ID)
	}
	return ids, err
}

// engage commits the brake's row, or reads the one that stands.
func (s *Events) engage(
	ctx context.Context, by command.Caller, scope domain.BrakeScope, memo string,
) (domain.Brake, error) {
	var fresh bool
	b, err := pg.ValueWithin(ctx, s.pool, stopWait, func(tx pgx.Tx) (domain.Brake, error) {
		memo, err := checkBrakeOrder(ctx, tx, scope, memo)
		if err != nil {
			return domain.Brake{}, err
		}
		var b domain.Brake
		b, fresh, err = upsertBrake(ctx, tx, domain.Brake{Scope: scope, By: by.Actor, Memo: memo})
		if err != nil {
			return b, err
		}
		if err := recordBrake(ctx, tx, by, b, fresh); err != nil {
			return b, err
		}
		return b, failpoint.Hit(ctx, failpoint.BrakeBeforeCommit)
	})
	if err != nil {
		return b, err
	}
	if fresh {
		s.log.WarnContext(ctx, "the brake is engaged", "scope", scope, "by", b.By, "memo", b.Memo)
	}
	return b, failpoint.Hit(ctx, failpoint.BrakeAfterCommit)
}

// recordBrake keeps for the audit that a brake was engaged, if it was not before.
func recordBrake(ctx context.Context, tx pgx.Tx, by command.Caller, b domain.Brake, fresh bool) error {
	if !fresh {
		return nil
	}
	return command.Record(ctx, tx, by, command.Change{
		Action: "brake.engage", Object: "brake " + string(b.Scope), Reason: b.Memo,
		After: brakeFacts{b.Scope, b.By, b.Memo},
	})
}

// passLocks waits until nothing is under way any more that has not seen the brake's row. The lock of moves comes first:
// a start may be slow, and no claim waits for it. Nothing is read under the locks, since every claim waits meanwhile.
func (s *Events) passLocks(ctx context.Context) error {
	err := pg.InTxWithin(ctx, s.pool, s.drainWait, func(tx pgx.Tx) error {
		for _, lock := range []int64{pg.Moves, pg.Claims} {
			if err := pg.Lock(ctx, tx, pg.Brake, lock); err != nil {
				return err
			}
		}
		return nil
	})
	if blocked, ok := errors.AsType[*pg.BlockedError](err); ok {
		return domain.UnavailableError(
			"the brake is engaged and no new claim begins, but a start, "+
				"resume or claim that began before it has not ended: "+blocked.Error(),
			"ask again: the answer comes when it has",
		)
	}
	return err
}

// stopBraked stops the events that run in the scope of the brake, and returns those of them that a brake still holds.
// An event that another session keeps locked is passed over: the others are stopped before its error is returned.
func (s *Events) stopBraked(ctx context.Context, b domain.Brake, p patience) (held []int64, err error) {
	running, err := selectRunningIn(ctx, s.pool, b.Scope)
	if err != nil {
		return nil, err
	}
	var locked []error
	began := time.Now()
	for _, id := range running {
		braked, err := pg.ValueWithin(ctx, s.pool, p.left(began),
			func(tx pgx.Tx) (bool, error) { return stopIfBraked(ctx, tx, id, b.Memo) })
		switch {
		case pg.LockTimedOut(err):
			locked = append(locked, eventError("stop", id, err))
		case err != nil:
			return held, err
		case braked:
			held = append(held, id)
		}
		if err := failpoint.Hit(ctx, failpoint.StopAllBetween); err != nil {
			return held, err
		}
	}
	return held, errors.Join(locked...)
}

// stopIfBraked stops an event, and reports whether a brake holds it. The brake may have been released since the event
// was listed; a person who started the event after that wants it to run. An event that ended meanwhile stays as it is.
func stopIfBraked(ctx context.Context, tx pgx.Tx, id int64, memo string) (braked bool, err error) {
	if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
		return false, err
	}
	_, braked, err = eventrow.SelectBraked(ctx, tx, id)
	if err == nil && braked {
		_, _, err = stopEvent(ctx, tx, command.Caller{}, id, memo)
	}
	switch {
	case domain.IsCode(err, domain.WrongStatus):
		return braked, nil
	case domain.IsCode(err, domain.NotFound):
		return false, nil
	}
	return braked, err
}

// merge returns the ids of all lists in order, each once.
func merge(lists ...[]int64) []int64 {
	ids := slices.Concat(lists...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// drainEach waits until no claim of the events is open, for at most drainWait, and returns those that are stopped, and
// those of which claims are open.
func (s *Events) drainEach(ctx context.Context, ids []int64) (events []Stopped, err error) {
	open, err := s.awaitClaims(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		e, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (domain.Event, error) { return eventrow.Select(ctx, tx, id) })
		switch {
		case domain.IsCode(err, domain.NotFound):
		case err != nil:
			return nil, err
		case e.Status != domain.Completed || open[id] > 0:
			events = append(events, Stopped{e, open[id]})
		}
	}
	return events, nil
}

// awaitClaims waits until no claim of the events is open, for at most drainWait, and counts those that are.
func (s *Events) awaitClaims(ctx context.Context, ids []int64) (open map[int64]int, err error) {
	err = s.awaitDrain(ctx, func(ctx context.Context) (over bool, err error) {
		open, err = countOpenClaims(ctx, s.pool, ids)
		return len(open) == 0, err
	})
	return open, err
}

// ReleaseBrake releases the brake of a scope, starts what is due, and returns the brakes that are still engaged. It
// resumes nothing: what was stopped stays so until a person resumes it. A scope whose brake is not engaged is no error.
// Errors: domain.Invalid as of Brake; domain.BrakeEngaged for a repeated key, where the brake was engaged again since.
func (s *Events) ReleaseBrake(ctx context.Context, by command.Caller, scope domain.BrakeScope,
	memo string,
) (command.Answer[[]domain.Brake], error) {
	released := false
	release := func(tx pgx.Tx) (left []domain.Brake, err error) {
		memo, err := checkBrakeOrder(ctx, tx, scope, memo)
		if err != nil {
			return nil, err
		}
		if released, err = deleteBrake(ctx, tx, scope); err != nil {
			return nil, err
		}
		if released {
			if err := command.Record(ctx, tx, by, command.Change{
				Action: "brake.release", Object: "brake " + string(scope), Reason: memo,
				Before: map[string]any{"scope": scope},
			}); err != nil {
				return nil, err
			}
		}
		return obstacle.Brakes(ctx, tx)
	}
	left, err := command.Run(ctx, s.pool, by, command.Command[[]domain.Brake]{
		Before: failpoint.ReleaseBeforeCommit, After: failpoint.ReleaseAfterCommit, Do: release,
		OnReplay: func(tx pgx.Tx) ([]domain.Brake, error) { return stillReleased(ctx, tx, scope) },
	})
	if err != nil {
		return left, err
	}
	if released {
		s.log.WarnContext(ctx, "the brake is released", "scope", scope, "by", by.Actor, "memo", memo)
	}
	s.startNext(ctx)
	return left, nil
}

// stillReleased returns the brakes that are engaged, for a repeated key that released the one of the scope. Error:
// domain.BrakeEngaged where that one was engaged again: who did so wants it to hold.
func stillReleased(ctx context.Context, tx pgx.Tx, scope domain.BrakeScope) ([]domain.Brake, error) {
	brakes, err := obstacle.Brakes(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, b := range brakes {
		if b.Scope == scope {
			return nil, b.EngagedAgain()
		}
	}
	return brakes, nil
}

// StopBraked stops what runs under an engaged brake: the net under Brake, which a process may have died in.
func (s *Events) StopBraked(ctx context.Context) error {
	brakes, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]domain.Brake, error) { return obstacle.Brakes(ctx, tx) })
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range brakes {
		stopped, err := s.stopBraked(ctx, b, ofATimetable)
		if len(stopped) > 0 {
			s.log.WarnContext(ctx, "events ran under a brake and are stopped", "scope", b.Scope, obs.Count,
				len(stopped))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// lockMoves lets a brake wait for this transaction, a start, a resume or a redrive, unless the brake's row is
// committed: then obstacle.Engaged sees it. It comes before the gate.
func lockMoves(ctx context.Context, tx pgx.Tx) error {
	return pg.LockShared(ctx, tx, pg.Brake, pg.Moves)
}

// checkBrakeOrder refuses a scope of nothing and a memo that cannot be kept, and returns the memo as it is kept. Error:
// domain.Invalid.
func checkBrakeOrder(ctx context.Context, tx pgx.Tx, scope domain.BrakeScope, memo string) (string, error) {
	types, err := eventrow.Types(ctx, tx)
	if err != nil {
		return "", err
	}
	var f domain.Faults
	if code, ok := scope.TypeCode(); ok {
		if wrong := checkType(code, types); wrong != "" {
			f.Add("scope", "its type "+wrong)
		}
	} else if scope != domain.BrakeAll {
		f.Add("scope", "must be all, or type: and the code of an event type")
	}
	memo, err = checkMemo(memo)
	if e, ok := errors.AsType[*domain.Error](err); ok {
		f = append(f, e.Fields...)
	}
	if len(f) == 0 {
		return memo, nil
	}
	return "", domain.InvalidError("the brake cannot be used like this",
		"name a scope, all or type:CODE, and say why in 1 to 500 characters", f...)
}
