// Package grants turns a message into results: claim (T4), grant (T5), settle (T6), and close (T7), which is handed in.
//
// Start with Grants.Handle. What an outcome makes of a member's row, and how often it was refused, is decided by
// domain.Result.Settle; fault.go stops an event whose going on would do harm.
package grants

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/app/listkey"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Grants turns a message into results: claim (T4), grant (T5), settle (T6), close (T7).
type Grants struct {
	pool    *pgxpool.Pool
	river   *river.Client[pgx.Tx]
	granter Granter
	sealer  Sealer // nil: no master key, so voucher events become FAILED
	keys    listkey.Keys
	cache   keyCache
	close   func(ctx context.Context, eventID int64) error
	log     *slog.Logger
	times   Times
	lookups lookups
	mark    func(domain.Event, int64) ([8]byte, bool)
}

// Config holds what grants stand on.
type Config struct {
	Pool    *pgxpool.Pool
	River   *river.Client[pgx.Tx] // inserts jobs for what is asked again
	Granter Granter
	Sealer  Sealer // nil: there is no master key
	Keys    listkey.Keys
	Log     *slog.Logger // nil: nothing is logged
	Times   Times

	// Close completes an event of which every target is final (T7). It may be called any number of times.
	Close func(ctx context.Context, eventID int64) error

	// Mark returns the mark of claims that a life of the process takes for events like e (pg.Presence), if the life's
	// end ends what is under way for them: their ledger is of this database, and asked in sessions of the process.
	// nil: such an end says nothing.
	Mark func(e domain.Event, life int64) (mark [8]byte, ends bool)
}

// Times bound how long a chunk is asked for, and how often a member.
type Times struct {
	Retry domain.RetryPolicy

	// ClaimLease is the time that a claim is open: no other handler asks the ledger for the chunk meanwhile.
	// GrantBudget is how long the ledger may take; it ends well before the lease, so that what the ledger applies in
	// the last moment is settled by the claim under which it was asked.
	ClaimLease, GrantBudget time.Duration
}

// DefaultTimes are those of the settings' defaults.
func DefaultTimes() Times {
	return Times{
		Retry:       domain.RetryPolicy{Limit: 5, Backoff: time.Minute},
		ClaimLease:  15 * time.Second,
		GrantBudget: 10 * time.Second,
	}
}

// New returns the grants of c, or an error that says what c lacks.
func New(c Config) (*Grants, error) {
	switch {
	case c.Pool == nil || c.River == nil || c.Granter == nil || c.Close == nil:
		return nil, errors.New("grants need a pool, a River client, a granter, and a function that closes an event")
	case c.Times.GrantBudget <= 0 || c.Times.ClaimLease <= c.Times.GrantBudget:
		return nil, fmt.Errorf("the ledger's budget (%s) must be above 0 and end before the claim's lease (%s)",
			c.Times.GrantBudget, c.Times.ClaimLease)
	}
	return &Grants{
		pool: c.Pool, river: c.River, granter: c.Granter, sealer: c.Sealer, keys: c.Keys, close: c.Close,
		log: cmp.Or(c.Log, slog.New(slog.DiscardHandler)), times: c.Times, mark: c.Mark,
	}, nil
}

// ErrNotApplied is wrapped by a Granter's error that means: of the grants without an outcome nothing was applied, and
// nothing will be. These are the whole batch, or the rest of it.
var ErrNotApplied = errors.New("nothing more of the batch was applied")

// ErrNotReached is wrapped by a Granter's error that means: there was no time left to ask for the rest of the batch, so
// nothing of the rest was applied, and nothing will be.
var ErrNotReached = fmt.Errorf("%w: there was no time left to ask for it", ErrNotApplied)

// Handle is the outbox.Handler of the product. It may run any number of times for the same message, at once too: a
// claim admits one asker at a time, the ledger's keys one grant for ever, and try numbers one count of each refusal.
//
// Killed before the claim, nothing has happened. Killed after it, the message comes again and waits for the lease to
// end. Killed after the ledger's commit, the next asker gets the stored answer. Killed after the settling, the next
// delivery admits no member and is acknowledged.
//
// While the event's ledger is away nothing of this begins: the message comes again, and no claim is taken or counted.
func (s *Grants) Handle(ctx context.Context, m outbox.Message) error {
	a, err := s.claim(ctx, m)
	if err != nil {
		return errors.Join(err, a.batch.foreign(), s.faultContent(ctx, m.Chunk, err))
	}
	var done bool
	switch {
	case a.claim != nil:
		done, err = s.work(ctx, *a.claim, a.batch)
	case a.lapsed != nil:
		done, err = s.settleLapsed(ctx, *a.lapsed, a.batch)
	}
	if domain.IsCode(err, domain.MissingKeys) {
		return errors.Join(err, s.faultKeys(ctx, m.Chunk.EventID))
	}
	if err != nil {
		return err
	}
	if done {
		if err := s.close(ctx, m.Chunk.EventID); err != nil {
			return err
		}
	}
	return a.batch.foreign()
}

// work asks for a batch and settles it; done says that every target of the event is final.
func (s *Grants) work(ctx context.Context, c claim, b batch) (done bool, err error) {
	if err := failpoint.Hit(ctx, failpoint.ClaimAfterCommit); err != nil {
		return false, err
	}
	if time.Since(c.began) > s.times.ClaimLease/2 {
		// too late to ask safely: the message comes again
		return false, errors.Join(outbox.ErrBusy, s.giveBack(ctx, c, returnClaim))
	}
	if c.suspicious(b) {
		return s.isolate(ctx, c, b)
	}
	return s.workWhole(ctx, c, b)
}

// workWhole asks for all of a batch at once and settles it.
func (s *Grants) workWhole(ctx context.Context, c claim, b batch) (done bool, err error) {
	answer := s.grant
	if b.refusal != nil {
		answer = s.refuse
	}
	outcomes, err := answer(ctx, c, b)
	if err != nil {
		return false, err
	}
	if err := failpoint.Hit(ctx, failpoint.MoneyAfterGrant); err != nil {
		return false, err
	}
	if done, err = s.settle(ctx, c, b, outcomes); err != nil {
		return false, err
	}
	return done, failpoint.Hit(ctx, failpoint.SettleAfterCommit)
}

// Granter is the ledger as a grant needs it: ours in process, ours over HTTP, or another company's.
type Granter interface {
	// Grant asks for all grants of e in one batch and returns an outcome for each, in their order. What is not applied
	// by deadline never is. With an error, the outcomes are those of the first grants, often of none: the ledger may
	// be asked in several calls. Of the others it is unknown what was applied, unless the error wraps ErrNotApplied.
	Grant(ctx context.Context, e domain.Event, deadline time.Time, grants []domain.Grant) ([]domain.Outcome, error)
	// Lookup says for each grant of e, in their order, whether it stands in the ledger: Granted, or nil where its key
	// is unknown. It changes nothing. With an error it says so of the first grants, often of none.
	Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error)
	// Away says why e's ledger should not be asked now, nil if it may be: the calls before failed as a whole, or it is
	// not the ledger that it was. It is a guess that costs nothing; a call may fail without it.
	Away(e domain.Event) error
}

// Sealer seals the PINs of vouchers, with a key per event that is wrapped by the master key.
type Sealer interface {
	// Seal returns each PIN's ciphertext, bound to the event, the member and the field.
	Seal(ctx context.Context, tx pgx.Tx, eventID int64, members, pins []string) ([]string, error)
}
