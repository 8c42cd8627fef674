package grants

import (
	"context"
	"errors"
	"slices"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// settleTries bounds how often a settling begins anew because a row appeared under it.
const settleTries = 5

// settle writes the outcomes, closes the claim, asks again for what is open, and adds to the counters; done says that
// every target of the event is final (T6). It looks at no event status: what was claimed before a stop is settled.
//
// At a chunk's first claim, with every grant granted, nothing has to be read: the rows are inserted plainly. A row that
// is there all the same, or a claim that was taken over, leads to the way that locks and reads first.
func (s *Grants) settle(ctx context.Context, c claim, b batch, outcomes []domain.Outcome) (done bool, err error) {
	if c.first && allGranted(outcomes) {
		done, err = pg.Value(ctx, s.pool,
			func(tx pgx.Tx) (bool, error) { return s.settleFirst(ctx, tx, c, b, outcomes) })
		if !errors.Is(err, errClaimLost) && !pg.Violates(err, memberKey(b.event.Type)) {
			return done, err
		}
	}
	return s.settleRead(ctx, c.ending(), b, outcomes)
}

// settleRead is settle for rows that may exist: it locks and reads them first.
func (s *Grants) settleRead(ctx context.Context, end ending, b batch,
	outcomes []domain.Outcome,
) (done bool, err error) {
	for range settleTries {
		done, err = pg.Value(ctx, s.pool,
			func(tx pgx.Tx) (bool, error) { return s.settleLocked(ctx, tx, end, b, outcomes) })
		if !pg.Violates(err, memberKey(b.event.Type)) {
			break
		}
	}
	return done, err
}

func (s *Grants) settleFirst(ctx context.Context, tx pgx.Tx, c claim, b batch,
	outcomes []domain.Outcome,
) (bool, error) {
	rows := make([]domain.Result, len(b.grants))
	var sum domain.Counts
	for i, g := range b.grants {
		before := domain.Result{MemberID: g.MemberID, Amount: g.Amount}
		rows[i] = before.Settle(g, outcomes[i], true, s.times.Retry.Limit)
		sum = sum.Add(domain.Change(before, rows[i]))
	}
	if err := s.insertSuccesses(ctx, tx, b.event, rows); err != nil {
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
	return s.count(ctx, tx, b.event, sum)
}

// count adds to the summary as the last statement and reports whether every target is final.
func (s *Grants) count(ctx context.Context, tx pgx.Tx, e domain.Event, sum domain.Counts) (bool, error) {
	if sum == (domain.Counts{}) {
		return false, failpoint.Hit(ctx, failpoint.SettleBeforeCommit)
	}
	final, err := addCounts(ctx, tx, e.ID, sum)
	if err != nil {
		return false, err
	}
	return final == e.TotalCount, failpoint.Hit(ctx, failpoint.SettleBeforeCommit)
}

// settleLocked locks the rows, lets the domain decide what each becomes, and writes what changed.
func (s *Grants) settleLocked(ctx context.Context, tx pgx.Tx, end ending, b batch,
	outcomes []domain.Outcome,
) (bool, error) {
	rows, state, err := lockSettled(ctx, tx, end.chunk, b, outcomes)
	if err != nil {
		return false, err
	}
	own := state.token == end.token
	changes := decide(b.grants, outcomes, rows, own, s.times.Retry.Limit)
	if err := s.writeResults(ctx, tx, b.event, changes); err != nil {
		return false, err
	}
	if err := updateChunk(ctx, tx, end, changes, own); err != nil {
		return false, err
	}
	if err := s.enqueueJobs(ctx, tx, end.chunk, state, changes); err != nil {
		return false, err
	}
	if changes.mismatch {
		if err := s.fault(ctx, tx, end.chunk); err != nil {
			return false, err
		}
	}
	return s.count(ctx, tx, b.event, changes.counts)
}

// lockSettled locks what a settling reads, in the house's order.
func lockSettled(ctx context.Context, tx pgx.Tx, c domain.Chunk, b batch,
	outcomes []domain.Outcome,
) (rows map[string]lockedResult, state chunkState, err error) {
	contradicted := slices.ContainsFunc(outcomes,
		func(o domain.Outcome) bool { return o.Verdict == domain.Contradicted })
	if contradicted { // the event may have to become FAILED, and the gate comes before every other lock
		if err := pg.Lock(ctx, tx, pg.Gate, c.EventID); err != nil {
			return nil, state, err
		}
	}
	if rows, err = lockResults(ctx, tx, b.event, members(b.grants)); err != nil {
		return nil, state, err
	}
	if state, err = lockChunk(ctx, tx, c); err != nil {
		return nil, state, err
	}
	return rows, state, failpoint.Hit(ctx, failpoint.SettleLocked)
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

// changes holds what a settling writes.
type changes struct {
	insert   []domain.Result
	update   []lockedResult
	counts   domain.Counts
	retries  []int // tries for which a retry is due
	unknown  bool  // grants whose outcome is unknown are to be asked again
	redrive  bool  // the same, of redrives
	mismatch bool  // the ledger contradicted itself for the first time about a member
}

// decide lets the domain say what each row becomes. A row that is not in rows does not exist yet.
func decide(grants []domain.Grant, outcomes []domain.Outcome, rows map[string]lockedResult, own bool,
	limit int,
) (ch changes) {
	for i, g := range grants {
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
