package grants

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// claim is a handler's right to ask the ledger for the grants it admits, until the lease ends.
type claim struct {
	event    domain.Event
	braked   bool // a brake holds the event
	chunk    domain.Chunk
	at       outbox.Position
	token    [16]byte
	inherits bool      // the claim before it ran out without being closed: what it asked for may have been granted
	first    bool      // the chunk was never claimed: it has no results
	lapsed   bool      // not a claim of our own: one that ran out while the event was stopped, to be settled by lookup
	deadline time.Time // by the database's clock: the ledger applies nothing after it
	began    time.Time // by this process's clock, before the claim was taken: the ledger's time runs from here
	grants   []domain.Grant
	strange  []string        // what of the message the rows do not know
	attempts int             // claims of the chunk in a row that did not come back, this one among them
	isolated map[string]bool // members whose asking did not come back
	more     bool            // the claim goes on after this settling
	marked   bool            // its only grant's member was committed as isolated by this claim
	refusal  *domain.Error   // the event is over and the chunk is not what was imported: nothing of it is asked for
}

// foreign is the error that parks the message, nil if the rows know all of it.
func (c claim) foreign() error {
	if len(c.strange) == 0 {
		return nil
	}
	shown := c.strange[:min(len(c.strange), 5)]
	return &outbox.ForeignError{Detail: fmt.Sprintf("%d of the grants are not the event's: %s", len(c.strange),
		strings.Join(shown, "; "))}
}

// taken returns where a process dies that has its claim.
func (c claim) taken(ctx context.Context) error {
	if c.lapsed {
		return failpoint.Hit(ctx, failpoint.LapsedAfterCommit)
	}
	return failpoint.Hit(ctx, failpoint.ClaimAfterCommit)
}

// claim admits the members of m whose row still stands at the message's try, and takes the chunk's claim for them (T4).
// If no member is admitted, there is no claim and nothing to do. Error: outbox.ErrBusy while another claim is open, or
// while the event's ledger is away.
func (s *Grants) claim(ctx context.Context, m outbox.Message) (claim, error) {
	began := time.Now()
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (claim, error) {
		if err := pg.LockClaimShared(ctx, tx, m.Chunk.EventID); err != nil {
			return claim{}, err
		}
		c, err := readClaimed(ctx, tx, m)
		if err != nil {
			return claim{}, err
		}
		if err := s.granter.Away(c.event); err != nil {
			return claim{}, errors.Join(outbox.ErrBusy, err)
		}
		c.began = began
		state, err := lockChunk(ctx, tx, m.Chunk)
		if err != nil {
			return claim{}, err
		}
		if c.braked || c.event.Status == domain.Stopped || c.event.Status == domain.Failed {
			return c.atRest(ctx, tx, m.Grants, state)
		}
		if err := s.admit(ctx, tx, &c, m.Grants, state); err != nil || len(c.grants) == 0 {
			return c, err
		}
		if state.open {
			return claim{}, outbox.ErrBusy
		}
		_, _ = rand.Read(c.token[:]) // never fails
		c.inherits = state.token != [16]byte{}
		c.first, c.deadline, c.attempts = state.first, state.now.Add(s.times.GrantBudget), state.attempts+1
		if err := openClaim(ctx, tx, c, s.times.ClaimLease); err != nil {
			return claim{}, err
		}
		return c, failpoint.Hit(ctx, failpoint.ClaimBeforeCommit)
	})
}

// readClaimed reads the event that m speaks of and whether a brake holds it, and refuses a message that is not of that
// event's type.
func readClaimed(ctx context.Context, tx pgx.Tx, m outbox.Message) (claim, error) {
	e, braked, err := eventrow.SelectBraked(ctx, tx, m.Chunk.EventID)
	if errors.Is(err, &domain.Error{Code: domain.NotFound}) {
		return claim{}, &outbox.ForeignError{Detail: err.Error()}
	}
	if err != nil {
		return claim{}, err
	}
	if e.Type.Code != m.EventType {
		return claim{}, &outbox.ForeignError{Detail: fmt.Sprintf("event %d has type %s, the message says %s", e.ID,
			e.Type.Code, m.EventType)}
	}
	return claim{event: e, braked: braked, chunk: m.Chunk, at: m.At, isolated: map[string]bool{}}, nil
}

// admit sorts the grants of a message by what the rows say: those to ask for, those already answered, and those that no
// row knows. Errors: domain.ContentChanged and MissingKeys for a chunk of a running event that is not, or may not be,
// what was imported.
func (s *Grants) admit(ctx context.Context, tx pgx.Tx, c *claim, grants []domain.Grant, state chunkState) error {
	targets, err := s.checkedTargets(ctx, tx, c.event, c.chunk, state)
	if err := c.doubt(err); err != nil {
		return err
	}
	results := map[string]domain.Result{}
	if !state.first {
		if results, err = selectResults(ctx, tx, c.event, members(grants)); err != nil {
			return err
		}
	}
	for _, g := range grants {
		switch t, ok := targets[g.TargetID]; {
		case !ok || t.MemberID != g.MemberID:
			c.strange = append(c.strange, fmt.Sprintf("member %s is no target of the chunk", g.MemberID))
		case t.Amount != g.Amount:
			c.strange = append(c.strange,
				fmt.Sprintf("member %s is to get %d, the message says %d", g.MemberID, t.Amount, g.Amount))
		case results[g.MemberID].Admits(g, c.event.Status == domain.Running):
			if t.Reason != g.Reason {
				err = content.Changed("the message has another reason for member " + g.MemberID + " than the list")
			}
			c.grants = append(c.grants, g)
			if results[g.MemberID].ErrorCode == isolated {
				c.isolated[g.MemberID] = true
			}
		}
	}
	return c.doubt(err)
}

// doubt passes over an error about the content of an event that is over, since it cannot become FAILED: its grants are
// refused.
func (c *claim) doubt(err error) error {
	if c.event.Status == domain.Running || !isContentError(err) {
		return err
	}
	if refusal, ok := errors.AsType[*domain.Error](err); ok {
		c.refusal = refusal
	}
	return nil
}

// atRest returns what is left to do for a chunk of a stopped or braked event. Nothing is asked for: a resume publishes
// it again. But while a claim is open its holder may still grant, so the message waits; and a claim that ran out
// without being closed may have granted, so the ledger is looked up, and what it has is settled under that claim's
// token.
func (c claim) atRest(ctx context.Context, tx pgx.Tx, grants []domain.Grant, state chunkState) (claim, error) {
	if state.open {
		return claim{}, outbox.ErrBusy
	}
	if state.token == ([16]byte{}) {
		return c, nil
	}
	results, err := selectResults(ctx, tx, c.event, members(grants))
	if err != nil {
		return claim{}, err
	}
	c.token, c.lapsed = state.token, true
	for _, g := range grants {
		if results[g.MemberID].Status != domain.Succeeded {
			c.grants = append(c.grants, g)
		}
	}
	return c, nil
}
