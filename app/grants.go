package app

import (
	"context"
	"errors"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"
)

// Grants turns a message into results: claim (T4), grant (T5), settle (T6), close (T7).
type Grants struct {
	Deps
	events *Events
	keys   keyCache
}

// ErrNotApplied is wrapped by a Granter's error that means: nothing of the batch was applied, and nothing will be.
var ErrNotApplied = errors.New("nothing of the batch was applied")

// Handle is the outbox.Handler of the product. It may run any number of times for the same message, at once too: a
// claim admits one asker at a time, the ledger's keys one grant for ever, and try numbers one count of each refusal.
//
// Killed before the claim, nothing has happened. Killed after it, the message comes again and waits for the lease to
// end. Killed after the ledger's commit, the next asker gets the stored answer. Killed after the settling, the next
// delivery admits nobody and is acknowledged.
//
// While the event's ledger is away nothing of this begins: the message comes again, and no claim is taken or counted.
func (s *Grants) Handle(ctx context.Context, m outbox.Message) error {
	began := time.Now()
	c, err := s.claim(ctx, m)
	if err != nil || len(c.grants) == 0 {
		return errors.Join(err, c.foreign(), s.faultContent(ctx, m.Chunk, err))
	}
	if err := c.taken(ctx); err != nil {
		return err
	}
	if time.Since(began) > s.Limits.ClaimLease/2 {
		return errors.Join(outbox.ErrBusy, s.giveBack(ctx, c, returnClaim)) // too late to ask safely: the message comes again
	}
	work := s.work
	if c.suspicious() {
		work = s.isolate
	}
	done, err := work(ctx, c)
	if errors.Is(err, &domain.Error{Code: domain.MissingKeys}) {
		return errors.Join(err, s.faultKeys(ctx, c))
	}
	if err != nil {
		return err
	}
	if done {
		if err := s.events.Close(ctx, c.event.ID); err != nil {
			return err
		}
	}
	return c.foreign()
}

// work asks for all of the claim's grants and settles them; done says that every target of the event is final.
func (s *Grants) work(ctx context.Context, c claim) (done bool, err error) {
	outcomes, err := s.ask(ctx, &c)
	if err != nil {
		return false, err
	}
	if err := failpoint.Hit(ctx, failpoint.MoneyAfterGrant); err != nil {
		return false, err
	}
	if done, err = s.settle(ctx, c, outcomes); err != nil {
		return false, err
	}
	return done, failpoint.Hit(ctx, failpoint.SettleAfterCommit)
}
