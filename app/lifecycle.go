package app

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// Start runs an event by hand: its pending jobs become available (T2). Asked again of a running event it changes nothing.
// Errors: domain.NotFound, WrongStatus, NoTargets, ImportRunning, LaneBusy, MissingKeys.
func (s *Events) Start(ctx context.Context, by Caller, id int64) (domain.Event, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) (domain.Event, error) {
		return once(ctx, tx, by, func() (domain.Event, error) { return s.start(ctx, tx, id) })
	})
}

func (s *Events) start(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
		return domain.Event{}, err
	}
	e, err := selectEvent(ctx, tx, id)
	if err != nil || e.Status.Repeats(domain.Start) {
		return e, err
	}
	to, err := e.Status.After(domain.Start)
	if err != nil {
		return e, err
	}
	if err := s.mayStart(ctx, tx, e); err != nil {
		return e, err
	}
	if err := updateStatus(ctx, tx, id, e.Status, to); err != nil {
		return e, err
	}
	if err := outbox.Release(ctx, tx, id); err != nil {
		return e, err
	}
	if err := stampStarted(ctx, tx, id); err != nil {
		return e, err
	}
	return selectEvent(ctx, tx, id)
}

// mayStart refuses what must not run yet. A running import holds the import lock until its transaction ends, so one that
// began before the start is seen here, and one that begins after it finds the event RUNNING.
func (s *Events) mayStart(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	if e.Type.Operation == domain.Vouchers && s.Sealer == nil {
		return missingKeys()
	}
	free, err := pg.TryLock(ctx, tx, pg.Import, e.ID)
	if err != nil {
		return err
	}
	if !free {
		return &domain.Error{Code: domain.ImportRunning, Message: "an import of this event is under way", Hint: "start it when the import is done"}
	}
	if e.TotalCount == 0 {
		return &domain.Error{Code: domain.NoTargets, Message: "the event has no targets", Hint: "import a member list first"}
	}
	return laneFree(ctx, tx, e)
}

// missingKeys is what a voucher event gets without a master key.
func missingKeys() error {
	return &domain.Error{Code: domain.MissingKeys, Message: "voucher PINs cannot be sealed without a master key",
		Hint: "set BESTOW_MASTER_KEY to 32 random bytes in base64 and restart"}
}

// Close completes the event if every target is final and published (T7). It may be called at any time, any number of times.
func (s *Events) Close(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
			return err
		}
		e, err := selectEvent(ctx, tx, id)
		if err != nil {
			return err
		}
		to, wrong := e.Status.After(domain.Close)
		if wrong != nil || !e.Done() {
			return nil // somebody else closed it, or it goes on
		}
		if err := updateStatus(ctx, tx, id, e.Status, to); err != nil {
			return err
		}
		if err := stampCompleted(ctx, tx, id); err != nil {
			return err
		}
		return failpoint.Hit(ctx, failpoint.CloseBeforeCommit)
	})
}

// CloseDone closes every event that is done and still RUNNING: the net under Close, which a crash between the last
// settling and the closing, or a mark that came after it, leaves undone.
func (s *Events) CloseDone(ctx context.Context) error {
	ids, err := selectDone(ctx, s.Pool)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if err := s.Close(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("close event %d: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// faultEvent stops a running event because going on would do harm; its gate is held.
func faultEvent(ctx context.Context, tx pgx.Tx, id int64, code domain.Code, memo string) error {
	e, err := selectEvent(ctx, tx, id)
	if err != nil {
		return err
	}
	to, wrong := e.Status.After(domain.Fault)
	if wrong != nil {
		return nil // it does not run any more
	}
	if err := updateStatus(ctx, tx, id, e.Status, to); err != nil {
		return err
	}
	if err := outbox.Hold(ctx, tx, id); err != nil {
		return err
	}
	return stampStopped(ctx, tx, id, code, memo)
}
