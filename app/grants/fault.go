package grants

import (
	"context"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// fault makes the chunk's event FAILED, under its gate: going on would do harm.
func (s *Grants) fault(ctx context.Context, tx pgx.Tx, c domain.Chunk) error {
	s.log.ErrorContext(ctx, "the ledger contradicts itself, the event is stopped", obs.EventID, c.EventID, obs.Chunk, c)
	return faultEvent(ctx, tx, c.EventID, domain.Mismatch,
		"the ledger contradicts itself: see the results with error_code mismatch")
}

// faultKeys makes the event FAILED because PINs can be neither sealed nor opened: a retry does not help.
func (s *Grants) faultKeys(ctx context.Context, eventID int64) error {
	return s.faultFor(ctx, eventID, domain.MissingKeys,
		"the keys of voucher PINs are missing or wrong: set BESTOW_MASTER_KEY to the one that the service had "+
			"before, restart, and resume")
}

// faultFor makes the event FAILED in a transaction of its own.
func (s *Grants) faultFor(ctx context.Context, eventID int64, code domain.Code, memo string) error {
	err := pg.InTx(context.WithoutCancel(ctx), s.pool, func(tx pgx.Tx) error {
		if err := pg.Lock(ctx, tx, pg.Gate, eventID); err != nil {
			return err
		}
		return faultEvent(ctx, tx, eventID, code, memo)
	})
	if err != nil {
		return err
	}
	s.log.ErrorContext(ctx, "event has failed, and goes on when a person resumes it",
		obs.EventID, eventID, obs.Cause, code, obs.Reason, memo)
	return failpoint.Hit(ctx, failpoint.FaultAfterCommit)
}

// faultEvent stops a running event because going on would do harm; its gate is held.
func faultEvent(ctx context.Context, tx pgx.Tx, id int64, code domain.Code, memo string) error {
	e, err := eventrow.Select(ctx, tx, id)
	if err != nil {
		return err
	}
	if e.Status != domain.Running {
		return nil // it does not run any more
	}
	to, err := e.Status.After(domain.Fault)
	if err != nil {
		return err
	}
	if err := eventrow.Move(ctx, tx, id, e.Status, to); err != nil {
		return err
	}
	if err := outbox.Hold(ctx, tx, id); err != nil {
		return err
	}
	if err := eventrow.StampStopped(ctx, tx, id, code, memo); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.FaultWritten)
}
