package grants

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// lapsedClaim is a claim of another handler that ran out while the event was stopped or braked, and was not closed.
// Nothing is asked for under it. What was granted under it is looked up and settled.
type lapsedClaim struct {
	chunk domain.Chunk
	token [16]byte
}

// ending returns the end of a claim whose handler did not come back.
func (l lapsedClaim) ending() ending { return ending{chunk: l.chunk, token: l.token, lapsed: true} }

// admitAtRest returns what is left to do for a chunk of a stopped or braked event. Nothing is asked for: a resume
// publishes it again. But while a claim is open its holder may still grant, so the message waits; and a claim that ran
// out without being closed may have granted, so the ledger is looked up, and what it has is settled under that claim's
// token.
func admitAtRest(ctx context.Context, tx pgx.Tx, m outbox.Message, e domain.Event,
	state chunkState,
) (admission, error) {
	if state.open {
		return admission{}, outbox.ErrBusy
	}
	b := batch{event: e}
	if !state.claimed() {
		return admission{batch: b}, nil
	}
	results, err := selectResults(ctx, tx, e, members(m.Grants))
	if err != nil {
		return admission{}, err
	}
	for _, g := range m.Grants {
		if results[g.MemberID].Status != domain.Succeeded {
			b.grants = append(b.grants, g)
		}
	}
	if len(b.grants) == 0 {
		return admission{batch: b}, nil
	}
	return admission{batch: b, lapsed: &lapsedClaim{chunk: m.Chunk, token: state.token}}, nil
}

// settleLapsed settles what the ledger granted under l; done says that every target of the event is final. It has no
// deadline: a look-up changes nothing.
func (s *Grants) settleLapsed(ctx context.Context, l lapsedClaim, b batch) (done bool, err error) {
	if err := failpoint.Hit(ctx, failpoint.LapsedAfterCommit); err != nil {
		return false, err
	}
	b.grants = s.lookups.rest(l, b.grants)
	found, err := s.granter.Lookup(ctx, b.event, b.grants)
	known, outcomes, unknown := sorted(b, found)
	if err != nil {
		settled := s.settleLookedUp(context.WithoutCancel(ctx), l, known, outcomes)
		s.lookups.add(l, unknown)
		if errors.Is(err, ErrNotReached) { // which quiet keeps out of the log
			s.log.WarnContext(ctx, "the look-up of a chunk did not come to its end, and goes on when its message comes again",
				obs.Chunk, l.chunk, obs.Count, len(found))
		}
		return false, errors.Join(s.quiet(b.event, fmt.Errorf("look up chunk %s: %w", l.chunk, err)), settled)
	}
	if err := failpoint.Hit(ctx, failpoint.LookedUp); err != nil {
		return false, err
	}
	if done, err = s.settleRead(ctx, l.ending(), known, outcomes); err != nil {
		return false, err
	}
	s.lookups.forget(l)
	return done, failpoint.Hit(ctx, failpoint.SettleAfterCommit)
}

// sorted parts the first grants of b by what a look-up found of them: those that stand in the ledger, with their
// outcomes, and the members of those that do not.
func sorted(b batch, found []*domain.Outcome) (known batch, outcomes []domain.Outcome, unknown []string) {
	known = batch{event: b.event}
	for i, o := range found {
		if o != nil {
			known.grants, outcomes = append(known.grants, b.grants[i]), append(outcomes, *o)
		} else {
			unknown = append(unknown, b.grants[i].MemberID)
		}
	}
	return known, outcomes, unknown
}

// settleLookedUp settles what a part of a look-up found, and leaves the claim as it is: others of its chunk are still
// to be looked up.
func (s *Grants) settleLookedUp(ctx context.Context, l lapsedClaim, known batch, outcomes []domain.Outcome) error {
	done, err := s.settlePart(ctx, l.ending(), known, outcomes)
	if err != nil || !done {
		return err
	}
	return s.close(ctx, known.event.ID) // the settling that comes last may change nothing, and would not say done
}

// lookups keeps, by lapsed claim, the members that the ledger does not know, while the look-up of its chunk has not
// come to its end: the next delivery goes on behind them. Nothing is granted under a claim that has lapsed, so they
// need not be looked up again. It is no record: what a process forgets is looked up again.
type lookups struct {
	mu      sync.Mutex
	unknown map[lapsedClaim]map[string]bool
}

// maxLookups bounds how many claims are kept: a claim that another handler has taken over stays until then.
const maxLookups = 100

// rest returns those of grants that are still to be looked up.
func (u *lookups) rest(l lapsedClaim, grants []domain.Grant) (rest []domain.Grant) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, g := range grants {
		if !u.unknown[l][g.MemberID] {
			rest = append(rest, g)
		}
	}
	return rest
}

// add notes members that the ledger does not know.
func (u *lookups) add(l lapsedClaim, members []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.unknown == nil || len(u.unknown) >= maxLookups && u.unknown[l] == nil {
		u.unknown = map[lapsedClaim]map[string]bool{}
	}
	if u.unknown[l] == nil {
		u.unknown[l] = map[string]bool{}
	}
	for _, m := range members {
		u.unknown[l][m] = true
	}
}

// forget lets go of a claim that is closed.
func (u *lookups) forget(l lapsedClaim) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.unknown, l)
}
