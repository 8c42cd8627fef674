package grants

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/failpoint"
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
	found, err := s.granter.Lookup(ctx, b.event, b.grants)
	if err != nil {
		return false, s.quiet(b.event, fmt.Errorf("look up chunk %s: %w", l.chunk, err))
	}
	known := batch{event: b.event}
	var outcomes []domain.Outcome
	for i, o := range found {
		if o != nil {
			known.grants, outcomes = append(known.grants, b.grants[i]), append(outcomes, *o)
		}
	}
	if err := failpoint.Hit(ctx, failpoint.LookedUp); err != nil {
		return false, err
	}
	if done, err = s.settleRead(ctx, l.ending(), known, outcomes); err != nil {
		return false, err
	}
	return done, failpoint.Hit(ctx, failpoint.SettleAfterCommit)
}
