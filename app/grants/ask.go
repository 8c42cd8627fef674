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

// ask gets the outcomes of c's grants from the ledger. For a lapsed claim nothing is asked for: c keeps the grants that
// the ledger has already.
func (s *Grants) ask(ctx context.Context, c *claim) ([]domain.Outcome, error) {
	if c.refusal != nil {
		return s.refuse(ctx, *c)
	}
	if !c.lapsed {
		return s.grant(ctx, *c)
	}
	found, err := s.granter.Lookup(ctx, c.event, c.grants)
	if err != nil {
		return nil, s.quiet(c.event, fmt.Errorf("look up chunk %s: %w", c.chunk, err))
	}
	var outcomes []domain.Outcome
	var known []domain.Grant
	for i, o := range found {
		if o != nil {
			known, outcomes = append(known, c.grants[i]), append(outcomes, *o)
		}
	}
	c.grants = known
	return outcomes, failpoint.Hit(ctx, failpoint.LookedUp)
}

// grant asks the ledger, with no transaction open (T5). After an error that says that nothing was applied the claim is
// given back; after any other it stays open to its lease, since the request may still be on its way. Neither counts as
// an attempt that did not come back: it did.
func (s *Grants) grant(ctx context.Context, c claim) ([]domain.Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, c.began.Add(s.times.GrantBudget)) // which is never after c.deadline
	defer cancel()
	outcomes, err := s.granter.Grant(ctx, c.event, c.deadline, c.grants)
	if err == nil && len(outcomes) != len(c.grants) {
		err = fmt.Errorf("%d answers to %d grants", len(outcomes), len(c.grants))
	}
	if err == nil {
		return outcomes, nil
	}
	back := uncountClaim
	if errors.Is(err, ErrNotApplied) {
		back = returnClaim
	}
	err = fmt.Errorf("ask the ledger for chunk %s: %w", c.chunk, err)
	return nil, errors.Join(s.quiet(c.event, err), s.giveBack(context.WithoutCancel(ctx), c, back))
}

// giveBack does back to a claim: every way out but death ends here. [returnClaim] is for one under which nothing can
// have been applied, [uncountClaim] for any other. A member that was asked for by itself is not to blame, since the
// process lives: its mark goes in the same transaction, or the next claim would take it for one that kills. Rows are
// locked before the chunk, as by a settling.
func (s *Grants) giveBack(ctx context.Context, c claim, back func(context.Context, pgx.Tx, claim) error) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if c.marked {
			if err := unmarkIsolated(ctx, tx, c.event, c.grants[0]); err != nil {
				return err
			}
		}
		return back(ctx, tx, c)
	})
	if err != nil {
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
