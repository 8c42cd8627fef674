package grants

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

// grant asks the ledger for b under c, or gives c back.
func (s *Grants) grant(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	outcomes, err := s.ask(ctx, c, b)
	if err != nil {
		back := s.giveBack(context.WithoutCancel(ctx), c, undoAfter(err))
		return nil, errors.Join(s.quiet(b.event, err), back)
	}
	return outcomes, nil
}

// ask asks the ledger for b, with no transaction open (T5). The error is of the batch as a whole; it wraps
// ErrNotApplied if nothing of it was applied.
func (s *Grants) ask(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, c.began.Add(s.times.GrantBudget)) // which is never after c.deadline
	defer cancel()
	outcomes, err := s.granter.Grant(ctx, b.event, c.deadline, b.grants)
	if err == nil && len(outcomes) != len(b.grants) {
		err = fmt.Errorf("%d answers to %d grants", len(outcomes), len(b.grants))
	}
	if err != nil {
		return nil, fmt.Errorf("ask the ledger for chunk %s: %w", c.chunk, err)
	}
	return outcomes, nil
}

// undo is how a claim is given back: [returnClaim] if nothing can have been applied under it, else [uncountClaim].
type undo func(context.Context, pgx.Tx, claim) error

// undoAfter returns how a claim is given back after err of an asking. Unless err says that nothing was applied, the
// claim stays open to its lease, since the request may still be on its way. Neither counts as an attempt that did not
// come back: it did.
func undoAfter(err error) undo {
	if errors.Is(err, ErrNotApplied) {
		return returnClaim
	}
	return uncountClaim
}

// giveBack gives a claim back: every way out but death ends here.
func (s *Grants) giveBack(ctx context.Context, c claim, u undo) error {
	if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return u(ctx, tx, c) }); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.GiveBackAfterCommit)
}

// quiet lets an error of e's ledger pass for a message whose turn has not come while the ledger is away: that was said
// when it went away, and would be said of every message.
func (s *Grants) quiet(e domain.Event, err error) error {
	if s.granter.Away(e) == nil {
		return err
	}
	return errors.Join(outbox.ErrBusy, err)
}
