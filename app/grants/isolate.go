package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// isolated is the error code of a PENDING row that is asked for by itself. One that is found so later was being asked
// for when the process died.
const isolated domain.Code = "isolated"

// processDied is the error code of a refusal that no ledger gave: the process died whenever the member was asked for.
const processDied domain.Code = "process_died"

// isolateAfter says how many claims of a chunk may not come back before its members are asked for one by one.
const isolateAfter = 5

// suspicious reports whether something in b kills the processes that ask for it.
func (c claim) suspicious(b batch) bool {
	return b.refusal == nil && (c.attempts > isolateAfter || len(b.isolated) > 0)
}

// isolate works a batch one member at a time, because asking for all of them at once killed the process again and
// again. Each member is committed as isolated before it is asked for; one that is found so is not asked for again but
// looked up: granted, or refused. The others go on. What the lease leaves no time for comes again with the message.
func (s *Grants) isolate(ctx context.Context, c claim, b batch) (done bool, err error) {
	s.log.WarnContext(ctx, "chunk is worked one member at a time", obs.Chunk, c.chunk, obs.Attempt, c.attempts)
	until := time.Now().Add(s.times.ClaimLease / 2)
	for i := range b.grants {
		if time.Now().After(until) {
			return false, errors.Join(outbox.ErrBusy, s.giveBack(ctx, c, returnClaim))
		}
		one := b.only(i)
		outcomes, err := s.askOne(ctx, c, one)
		if err != nil {
			return false, err
		}
		end := c.ending()
		end.goesOn = i < len(b.grants)-1
		settled, err := s.settleRead(ctx, end, one, outcomes)
		if err != nil {
			return false, err
		}
		if err := failpoint.Hit(ctx, failpoint.IsolatedSettled); err != nil {
			return false, err
		}
		done = done || settled
	}
	return done, nil
}

// askOne asks for the batch's only grant.
func (s *Grants) askOne(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	if b.isolated[b.grants[0].MemberID] {
		found, err := s.granter.Lookup(ctx, b.event, b.grants)
		if err != nil { // the member stays marked: it is not known yet whether it was granted
			err = fmt.Errorf("look up member of chunk %s: %w", c.chunk, err)
			return nil, errors.Join(s.quiet(b.event, err), s.giveBack(context.WithoutCancel(ctx), c, uncountClaim))
		}
		if found[0] != nil {
			return []domain.Outcome{*found[0]}, nil
		}
		return []domain.Outcome{{
			Verdict: domain.RefusedForNow, Code: processDied,
			Message: "the process died whenever this member was asked for",
		}}, nil
	}
	return s.grantMarked(ctx, c, b)
}

// grantMarked asks for the batch's only grant under a mark by which one sees that it killed the process. A member is
// not to blame if the process lives: the mark goes in the transaction that gives the claim back, or the next claim
// would take the member for one that kills.
func (s *Grants) grantMarked(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	g := b.grants[0]
	if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.markIsolated(ctx, tx, b.event, g) }); err != nil {
		return nil, err
	}
	if err := failpoint.Hit(ctx, failpoint.IsolatedMarked); err != nil {
		return nil, err
	}
	outcomes, err := s.ask(ctx, c, b)
	if err != nil {
		unmark := func(ctx context.Context, tx pgx.Tx, c claim) error { // rows are locked before the chunk
			if err := unmarkIsolated(ctx, tx, b.event, g); err != nil {
				return err
			}
			return undoAfter(err)(ctx, tx, c)
		}
		back := s.giveBack(context.WithoutCancel(ctx), c, unmark)
		return nil, errors.Join(s.quiet(b.event, err), back)
	}
	return outcomes, nil
}

// markIsolated commits that g's member is about to be asked for by itself.
func (s *Grants) markIsolated(ctx context.Context, tx pgx.Tx, e domain.Event, g domain.Grant) error {
	rows, err := lockResults(ctx, tx, e, []string{g.MemberID})
	if err != nil {
		return err
	}
	row, exists := rows[g.MemberID]
	if !exists {
		row.Result = domain.Result{MemberID: g.MemberID, Amount: g.Amount}
	}
	if !row.Admits(g, true) {
		return nil // settled meanwhile, by a claim that ran out: its mark would undo that
	}
	if g.Redrive > 0 { // stays given up until it succeeds; what it is found by is its mark
		row.ErrorCode = isolated
		return s.updateResults(ctx, tx, e, []lockedResult{row})
	}
	row.Status, row.ErrorCode = domain.ResultPending, isolated
	if exists {
		return s.updateResults(ctx, tx, e, []lockedResult{row})
	}
	return s.insertResults(ctx, tx, e, []domain.Result{row.Result})
}

func unmarkIsolated(ctx context.Context, tx pgx.Tx, e domain.Event, g domain.Grant) error {
	_, err := tx.Exec(ctx, `UPDATE `+pg.Quoted(e.Type.ResultTable())+` SET error_code = NULL, updated_at = now()
		WHERE event_id = $1 AND member_id = $2 AND error_code = $3 AND status <> 'SUCCESS'`, e.ID, g.MemberID, isolated)
	if err != nil {
		return fmt.Errorf("unmark member: %w", err)
	}
	return nil
}
