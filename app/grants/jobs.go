package grants

import (
	"context"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// enqueueJobs makes the jobs that the outcomes ask for, in the transaction that writes them: a status and its retry
// cannot disagree. Times are the database's.
func (s *Grants) enqueueJobs(ctx context.Context, tx pgx.Tx, c domain.Chunk, state chunkState, ch changes) error {
	for _, try := range ch.retries {
		at := state.now.Add(s.times.Retry.Wait(try))
		if err := s.enqueue(ctx, tx, c, outbox.Retry, try, at, failpoint.SettleRetryMade); err != nil {
			return err
		}
	}
	// the claim stays open until its lease ends
	later := state.now.Add(s.times.ClaimLease + domain.UnknownWait(state.age))
	if ch.unknown {
		if err := s.enqueue(ctx, tx, c, outbox.Republish, 0, later, failpoint.SettleAgainMade); err != nil {
			return err
		}
	}
	if ch.redrive {
		return s.enqueue(ctx, tx, c, outbox.Redrive, 0, later, failpoint.SettleRedriveMade)
	}
	return nil
}

func (s *Grants) enqueue(ctx context.Context, tx pgx.Tx, c domain.Chunk, mode outbox.Mode, try int, at time.Time,
	point string,
) error {
	if err := outbox.EnqueueAt(ctx, tx, s.river, c, mode, try, at); err != nil {
		return err
	}
	return failpoint.Hit(ctx, point)
}
