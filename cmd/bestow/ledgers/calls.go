package ledgers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/app/grants"
	"bestow/cmd/bestow/settings"

	"golang.org/x/time/rate"
)

// calls says how a ledger may be asked: a batch may take several calls.
type calls struct {
	items   int           // of one call; 0: all of a batch
	timeout time.Duration // of one call; 0: what is left of the batch's time
	rate    *rate.Limiter // of calls; nil: none
}

func callsOf(l settings.LedgerLimits) calls {
	c := calls{items: l.MaxItems, timeout: l.Timeout}
	if l.Rate > 0 {
		c.rate = rate.NewLimiter(rate.Limit(l.Rate), 1)
	}
	return c
}

// leastTime is the most of the time that must be left to begin a call. What a call asks for and does not hear of in
// time is unknown, and what is not asked for is not.
const leastTime = time.Second

// least returns the time that must be left to begin a call: as long as a call may take, but no more than leastTime, and
// no more than half of what is left now, for a budget that is as short.
func (c calls) least(ctx context.Context) time.Duration {
	least := min(leastTime, cmp.Or(c.timeout, leastTime))
	if until, bounded := ctx.Deadline(); bounded {
		least = min(least, time.Until(until)/2)
	}
	return least
}

// inCalls asks for a batch in calls, and returns the answers of those that answered. With an error they are fewer than
// the batch: the error is that of the next call, and the rest was not asked for. It wraps grants.ErrNotReached if there
// was no time left for that call.
func inCalls[I, A any](ctx context.Context, c calls, batch []I,
	ask func(context.Context, []I) ([]A, error),
) (all []A, err error) {
	size := c.items
	if size == 0 {
		size = max(1, len(batch))
	}
	least := c.least(ctx)
	for part := range slices.Chunk(batch, size) {
		if err := c.wait(ctx, least); err != nil {
			return all, err
		}
		answers, err := once(ctx, c.timeout, part, ask)
		if err != nil {
			return all, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

// wait waits until another call may begin. Error: grants.ErrNotReached if less than the time least is left then.
func (c calls) wait(ctx context.Context, least time.Duration) error {
	until, bounded := ctx.Deadline()
	if c.rate != nil {
		if bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, until.Add(-least))
			defer cancel()
		}
		if c.rate.Wait(ctx) != nil {
			return grants.ErrNotReached
		}
	}
	if bounded && time.Until(until) < least {
		return grants.ErrNotReached
	}
	return nil
}

// once makes a call. It may take the time that is left of ctx, and no more than timeout unless that is 0.
func once[I, A any](ctx context.Context, timeout time.Duration, part []I,
	ask func(context.Context, []I) ([]A, error),
) ([]A, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	answers, err := ask(ctx, part)
	if err == nil && len(answers) != len(part) {
		err = fmt.Errorf("ask for %d members: the ledger gave %d answers", len(part), len(answers))
	}
	return answers, err
}
