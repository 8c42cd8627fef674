package grants

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// claim is a handler's right to ask the ledger for grants of a chunk, until the lease ends.
type claim struct {
	chunk    domain.Chunk
	token    [16]byte
	began    time.Time // by this process's clock, before the claim was taken: the ledger's time runs from here
	deadline time.Time // by the database's clock: the ledger applies nothing after it
	attempts int       // claims of the chunk in a row that did not come back, this one among them
	first    bool      // the chunk was never claimed before: it has no results
	inherits bool      // the claim before it lapsed: what that one asked for may have been granted
	life     int64     // of this process, with whose end the claim ends before its lease; 0: with none
}

// admission is what the rows make of a message: its batch, and at most one of a claim, under which the batch is asked
// for, and a lapsed claim, under which it is looked up. With neither there is nothing to do.
type admission struct {
	batch  batch
	claim  *claim
	lapsed *lapsedClaim
}

// claim admits the members of m whose row still stands at the message's try, and takes the chunk's claim for them (T4).
// If no member is admitted, there is no claim and nothing to do. Error: outbox.ErrBusy while another claim is open, or
// while the event's ledger is away.
func (s *Grants) claim(ctx context.Context, m outbox.Message) (admission, error) {
	began := time.Now()
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (admission, error) {
		if err := pg.LockClaimShared(ctx, tx, m.Chunk.EventID); err != nil {
			return admission{}, err
		}
		e, braked, err := selectClaimed(ctx, tx, m)
		if err != nil {
			return admission{}, err
		}
		if err := s.granter.Away(e); err != nil {
			return admission{}, errors.Join(outbox.ErrBusy, err)
		}
		state, err := lockChunk(ctx, tx, m.Chunk)
		if err != nil {
			return admission{}, err
		}
		if braked || e.Status == domain.Stopped || e.Status == domain.Failed {
			return admitAtRest(ctx, tx, m, e, state)
		}
		b, err := s.admit(ctx, tx, m, e, state)
		if err != nil || len(b.grants) == 0 {
			return admission{batch: b}, err
		}
		if state.open {
			return admission{}, outbox.ErrBusy
		}
		c := newClaim(m.Chunk, state, began, s.times.GrantBudget)
		s.bind(&c, e, pg.LifeOf(tx))
		if err := openClaim(ctx, tx, c, m.At, s.times.ClaimLease); err != nil {
			return admission{}, err
		}
		return admission{batch: b, claim: &c}, failpoint.Hit(ctx, failpoint.ClaimBeforeCommit)
	})
}

// selectClaimed reads the event that m speaks of and whether a brake holds it, and refuses a message that is not of
// that event's type.
func selectClaimed(ctx context.Context, tx pgx.Tx, m outbox.Message) (e domain.Event, braked bool, err error) {
	e, braked, err = eventrow.SelectBraked(ctx, tx, m.Chunk.EventID)
	if domain.IsCode(err, domain.NotFound) {
		return e, false, &outbox.ForeignError{Detail: err.Error()}
	}
	if err != nil {
		return e, false, err
	}
	if e.Type.Code != m.EventType {
		return e, false, &outbox.ForeignError{Detail: fmt.Sprintf("event %d has type %s, the message says %s", e.ID,
			e.Type.Code, m.EventType)}
	}
	return e, braked, nil
}

// newClaim returns a claim of the chunk whose row is state. The ledger may take budget.
func newClaim(chunk domain.Chunk, state chunkState, began time.Time, budget time.Duration) claim {
	c := claim{
		chunk: chunk, began: began, deadline: state.now.Add(budget), attempts: state.attempts + 1,
		first: state.first, inherits: state.claimed(),
	}
	_, _ = rand.Read(c.token[:]) // never fails
	return c
}

// bind ties the claim of a chunk of e to the life of the process whose session takes it.
func (s *Grants) bind(c *claim, e domain.Event, life int64) {
	if s.mark == nil || life == 0 {
		return
	}
	if mark, ends := s.mark(e, life); ends {
		copy(c.token[:], mark[:])
		c.life = life
	}
}

// ending returns the end of a claim whose handler came back.
func (c claim) ending() ending { return ending{chunk: c.chunk, token: c.token} }

// ending says what a settling leaves of the claim under which its outcomes were asked for, unless another handler has
// taken the chunk since.
type ending struct {
	chunk  domain.Chunk
	token  [16]byte
	lapsed bool // its handler did not come back: the attempts in a row are kept
	goesOn bool // other members of the chunk are still to be asked for under it
}
