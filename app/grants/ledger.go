package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// grant asks the ledger for b under c. Where the ledger does not answer for all of b, it settles what was answered and
// gives c back: the message comes again for the others.
func (s *Grants) grant(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	outcomes, err := s.ask(ctx, c, b)
	if err != nil {
		settled := s.settleFirstOf(context.WithoutCancel(ctx), c, b, outcomes)
		u := undoAfter(err)
		if settled != nil || slices.ContainsFunc(outcomes, isUnknown) {
			u = uncountClaim // something may have been applied that is not settled
		}
		back := s.giveBack(context.WithoutCancel(ctx), c, u)
		return nil, errors.Join(s.quiet(b.event, err), settled, back)
	}
	return outcomes, nil
}

// settleFirstOf settles the outcomes of the first grants of b, and leaves the claim as it is.
func (s *Grants) settleFirstOf(ctx context.Context, c claim, b batch, outcomes []domain.Outcome) error {
	b.grants = b.grants[:len(outcomes)]
	_, err := s.settlePart(ctx, c.ending(), b, outcomes)
	return err
}

// settlePart settles a part of what was asked for under a claim, or looked up, and leaves the claim as it is; done says
// that every target of the event is final.
func (s *Grants) settlePart(ctx context.Context, end ending, b batch,
	outcomes []domain.Outcome,
) (done bool, err error) {
	if len(outcomes) == 0 {
		return false, nil
	}
	end.goesOn = true
	if done, err = s.settleRead(ctx, end, b, outcomes); err != nil {
		return false, err
	}
	return done, failpoint.Hit(ctx, failpoint.PartAfterCommit)
}

func isUnknown(o domain.Outcome) bool { return o.Verdict == domain.Unknown }

// ask asks the ledger for b, with no transaction open (T5). With an error the outcomes are those of the first grants of
// b; the error wraps ErrNotApplied if nothing of the others was applied.
func (s *Grants) ask(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, c.began.Add(s.times.GrantBudget)) // which is never after c.deadline
	defer cancel()
	outcomes, err := s.granter.Grant(pg.InLife(ctx, c.life), b.event, c.deadline, b.grants)
	if errors.Is(err, pg.ErrLifeOver) {
		err = errors.Join(ErrNotApplied, err) // there was no session to ask in
	}
	if len(outcomes) > len(b.grants) || err == nil && len(outcomes) < len(b.grants) {
		outcomes, err = nil, errors.Join(err, fmt.Errorf("%d answers to %d grants", len(outcomes), len(b.grants)))
	}
	if err != nil {
		return outcomes, fmt.Errorf("ask the ledger for chunk %s: %w", c.chunk, err)
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
// when it went away, and would be said of every message. What was not reached in time is no fault either.
func (s *Grants) quiet(e domain.Event, err error) error {
	if !errors.Is(err, ErrNotReached) && s.granter.Away(e) == nil {
		return err
	}
	return errors.Join(outbox.ErrBusy, err)
}
