package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
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
// While the ledger is away nothing of this begins: the message comes again, and no claim is taken or counted.
func (s *Grants) Handle(ctx context.Context, m outbox.Message) error {
	if err := s.Granter.Away(); err != nil {
		return errors.Join(outbox.ErrBusy, err)
	}
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

// taken is where a process dies that has its claim.
func (c claim) taken(ctx context.Context) error {
	if c.lapsed {
		return failpoint.Hit(ctx, failpoint.LapsedAfterCommit)
	}
	return failpoint.Hit(ctx, failpoint.ClaimAfterCommit)
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

// claim is a handler's right to ask the ledger for the grants it admits, until the lease ends.
type claim struct {
	event    domain.Event
	braked   bool // a brake holds the event
	chunk    domain.Chunk
	at       outbox.Position
	token    [16]byte
	inherits bool      // the claim before it ran out without being closed: what it asked for may have been granted
	first    bool      // nobody ever claimed the chunk: it has no results
	lapsed   bool      // not a claim of our own: one that ran out while the event was stopped, to be settled by lookup
	deadline time.Time // by the database's clock: the ledger applies nothing after it
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
	return &outbox.ForeignError{Detail: fmt.Sprintf("%d of the grants are not the event's: %s", len(c.strange), strings.Join(shown, "; "))}
}

// claim admits the members of m whose row still stands at the message's try, and takes the chunk's claim for them (T4).
// Nobody admitted: no claim, and nothing to do. Error: outbox.ErrBusy while somebody else's claim is open.
func (s *Grants) claim(ctx context.Context, m outbox.Message) (claim, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) (claim, error) {
		if err := pg.LockClaimShared(ctx, tx, m.Chunk.EventID); err != nil {
			return claim{}, err
		}
		c, err := readClaimed(ctx, tx, m)
		if err != nil {
			return claim{}, err
		}
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
		c.first, c.deadline, c.attempts = state.first, state.now.Add(s.Limits.GrantBudget), state.attempts+1
		if err := openClaim(ctx, tx, c, s.Limits.ClaimLease); err != nil {
			return claim{}, err
		}
		return c, failpoint.Hit(ctx, failpoint.ClaimBeforeCommit)
	})
}

// readClaimed reads the event that m speaks of and whether a brake holds it, and refuses a message that is not of that
// event's type.
func readClaimed(ctx context.Context, tx pgx.Tx, m outbox.Message) (claim, error) {
	e, braked, err := selectClaimed(ctx, tx, m.Chunk.EventID)
	if errors.Is(err, &domain.Error{Code: domain.NotFound}) {
		return claim{}, &outbox.ForeignError{Detail: err.Error()}
	}
	if err != nil {
		return claim{}, err
	}
	if e.Type.Code != m.EventType {
		return claim{}, &outbox.ForeignError{Detail: fmt.Sprintf("event %d has type %s, the message says %s", e.ID, e.Type.Code, m.EventType)}
	}
	return claim{event: e, braked: braked, chunk: m.Chunk, at: m.At, isolated: map[string]bool{}}, nil
}

// admit sorts the grants of a message by what the rows say: those to ask for, those already answered, and those that
// no row knows. Errors: domain.ContentChanged and MissingKeys for a chunk of a running event that is not, or may not be,
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
			c.strange = append(c.strange, fmt.Sprintf("member %s is to get %d, the message says %d", g.MemberID, t.Amount, g.Amount))
		case results[g.MemberID].Admits(g, c.event.Status == domain.Running):
			if t.Reason != g.Reason {
				err = contentChanged("the message has another reason for member " + g.MemberID + " than the list")
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

// atRest is what is left to do for a chunk of a stopped or braked event. Nothing is asked for: a resume publishes it again. But
// while a claim is open its holder may still grant, so the message waits; and a claim that ran out without being closed
// may have granted, so the ledger is looked up, and what it has is settled under that claim's token.
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

// settleTries bounds how often a settling begins anew because a row appeared under it.
const settleTries = 5

// settle writes the outcomes, closes the claim, asks again for what is open, and adds to the counters; done says that
// every target of the event is final (T6). It looks at no event status: what was claimed before a stop is settled.
//
// At a chunk's first claim, with every grant granted, nothing has to be read: the rows are inserted plainly. A row that
// is there all the same, or a claim that was taken over, leads to the way that locks and reads first.
func (s *Grants) settle(ctx context.Context, c claim, outcomes []domain.Outcome) (done bool, err error) {
	if c.first && allGranted(outcomes) {
		done, err = pg.Value(ctx, s.Pool, func(tx pgx.Tx) (bool, error) { return s.settleFirst(ctx, tx, c, outcomes) })
		if !errors.Is(err, errClaimLost) && !pg.Violates(err, memberKey(c.event.Type)) {
			return done, err
		}
	}
	for range settleTries {
		done, err = pg.Value(ctx, s.Pool, func(tx pgx.Tx) (bool, error) { return s.settleLocked(ctx, tx, c, outcomes) })
		if !pg.Violates(err, memberKey(c.event.Type)) {
			break
		}
	}
	return done, err
}

func (s *Grants) settleFirst(ctx context.Context, tx pgx.Tx, c claim, outcomes []domain.Outcome) (bool, error) {
	rows := make([]domain.Result, len(c.grants))
	var sum domain.Counts
	for i, g := range c.grants {
		before := domain.Result{MemberID: g.MemberID, Amount: g.Amount}
		rows[i] = before.Settle(g, outcomes[i], true, s.Limits.Retry.Limit)
		sum = sum.Add(domain.Change(before, rows[i]))
	}
	if err := s.insertSuccesses(ctx, tx, c.event, rows); err != nil {
		return false, err
	}
	if err := failpoint.Hit(ctx, failpoint.SettleFirstInserted); err != nil {
		return false, err
	}
	if err := closeClaim(ctx, tx, c, sum.Settled); err != nil {
		return false, err
	}
	if err := failpoint.Hit(ctx, failpoint.SettleFirstClosed); err != nil {
		return false, err
	}
	return s.count(ctx, tx, c, sum)
}

// count adds to the summary as the last statement and says whether every target is final.
func (s *Grants) count(ctx context.Context, tx pgx.Tx, c claim, sum domain.Counts) (bool, error) {
	if sum == (domain.Counts{}) {
		return false, failpoint.Hit(ctx, failpoint.SettleBeforeCommit)
	}
	final, err := addCounts(ctx, tx, c.event.ID, sum)
	if err != nil {
		return false, err
	}
	return final == c.event.TotalCount, failpoint.Hit(ctx, failpoint.SettleBeforeCommit)
}

// settleLocked locks the rows, lets the domain decide what each becomes, and writes what changed.
func (s *Grants) settleLocked(ctx context.Context, tx pgx.Tx, c claim, outcomes []domain.Outcome) (bool, error) {
	rows, chunk, err := lockSettled(ctx, tx, c, outcomes)
	if err != nil {
		return false, err
	}
	own := chunk.token == c.token
	changes := decide(c, outcomes, rows, own, s.Limits.Retry.Limit)
	if err := s.writeResults(ctx, tx, c.event, changes); err != nil {
		return false, err
	}
	if err := updateChunk(ctx, tx, c, changes, own); err != nil {
		return false, err
	}
	if err := s.askAgain(ctx, tx, c, chunk, changes); err != nil {
		return false, err
	}
	if changes.mismatch {
		if err := s.fault(ctx, tx, c); err != nil {
			return false, err
		}
	}
	return s.count(ctx, tx, c, changes.counts)
}

// lockSettled locks what a settling reads, in the house's order.
func lockSettled(ctx context.Context, tx pgx.Tx, c claim, outcomes []domain.Outcome) (rows map[string]lockedResult, chunk chunkState, err error) {
	contradicted := slices.ContainsFunc(outcomes, func(o domain.Outcome) bool { return o.Verdict == domain.Contradicted })
	if contradicted { // the event may have to become FAILED, and the gate comes before every other lock
		if err := pg.Lock(ctx, tx, pg.Gate, c.event.ID); err != nil {
			return nil, chunk, err
		}
	}
	if rows, err = lockResults(ctx, tx, c.event, members(c.grants)); err != nil {
		return nil, chunk, err
	}
	if chunk, err = lockChunk(ctx, tx, c.chunk); err != nil {
		return nil, chunk, err
	}
	return rows, chunk, failpoint.Hit(ctx, failpoint.SettleLocked)
}

// writeResults writes the rows that a settling changes.
func (s *Grants) writeResults(ctx context.Context, tx pgx.Tx, e domain.Event, ch changes) error {
	if err := s.insertResults(ctx, tx, e, ch.insert); err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.SettleInserted); err != nil {
		return err
	}
	if err := s.updateResults(ctx, tx, e, ch.update); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.SettleUpdated)
}

// changes is what a settling writes.
type changes struct {
	insert   []domain.Result
	update   []lockedResult
	counts   domain.Counts
	retries  []int // tries for which a retry is due
	unknown  bool  // grants whose outcome is unknown are to be asked again
	redrive  bool  // the same, of redrives
	mismatch bool  // the ledger contradicted itself for the first time about somebody
}

// decide lets the domain say what each row becomes. A row that is not in rows does not exist yet.
func decide(c claim, outcomes []domain.Outcome, rows map[string]lockedResult, own bool, limit int) (ch changes) {
	for i, g := range c.grants {
		row, exists := rows[g.MemberID]
		before := row.Result
		if !exists {
			before = domain.Result{MemberID: g.MemberID, Amount: g.Amount}
		}
		after := before.Settle(g, outcomes[i], own, limit)
		if own && outcomes[i].Verdict == domain.Unknown && (g.Redrive > 0 || !after.Status.Final()) {
			ch.unknown = ch.unknown || g.Redrive == 0
			ch.redrive = ch.redrive || g.Redrive > 0
		}
		if after == before {
			continue
		}
		ch.counts = ch.counts.Add(domain.Change(before, after))
		ch.noteRefusal(after)
		if exists {
			ch.update = append(ch.update, lockedResult{Result: after, row: row.row})
		} else {
			ch.insert = append(ch.insert, after)
		}
	}
	return ch
}

func (ch *changes) noteRefusal(after domain.Result) {
	switch {
	case after.Status != domain.Refused:
	case after.ErrorCode == domain.Mismatch:
		ch.mismatch = true
	case !slices.Contains(ch.retries, after.RetryCount):
		ch.retries = append(ch.retries, after.RetryCount)
	}
}

func allGranted(outcomes []domain.Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o domain.Outcome) bool { return o.Verdict != domain.Granted })
}

func members(grants []domain.Grant) []string {
	ids := make([]string, len(grants))
	for i, g := range grants {
		ids[i] = g.MemberID
	}
	return ids
}
