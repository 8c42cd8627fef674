package moneyhttp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bestow/money"
)

const (
	// defaultBudget is how long a request may take that says nothing of it, and maxBudget the most that one may say.
	defaultBudget = 10 * time.Second
	maxBudget     = time.Minute
	// farewell is how long a request whose deadline has passed may take to say so.
	farewell = time.Second
	// clockHolds is how long a look at the ledger's clock is good for.
	clockHolds = 5 * time.Second
)

// ledgerClock knows the time of the ledger's database, by which a deadline is told, without asking it each time.
type ledgerClock struct {
	read func(context.Context) (money.Identity, error)

	mu     sync.Mutex
	seenAt time.Time // by this process's clock
	showed time.Time // the ledger's at that moment, never ahead
}

// now returns the ledger's time, at most the time of one question behind it.
func (c *ledgerClock) now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.showed.IsZero() || time.Since(c.seenAt) > clockHolds {
		id, err := c.read(ctx)
		if err != nil {
			return time.Time{}, err
		}
		c.seenAt, c.showed = time.Now(), id.Now
	}
	return c.showed.Add(time.Since(c.seenAt)), nil
}

// deadlineOf returns the earliest moment, by the ledger's clock, that a request names as its deadline, and a context that
// ends soon after it. Errors: money.ErrDeadline if it has passed, a problem.
func (s *Server) deadlineOf(ctx context.Context, header string, body *time.Time, budgetMS *int64) (time.Time, context.Context, context.CancelFunc, error) {
	now, err := s.clock.now(ctx)
	if err != nil {
		return time.Time{}, nil, nil, err
	}
	deadline := now.Add(maxBudget)
	sooner := func(t time.Time) {
		if t.Before(deadline) {
			deadline = t
		}
	}
	if header == "" && body == nil && budgetMS == nil {
		sooner(now.Add(defaultBudget))
	}
	if header != "" {
		at, err := time.Parse(time.RFC3339, header)
		if err != nil {
			return time.Time{}, nil, nil, refusal(codeBadRequest, "the header "+headerDeadline+" cannot be used", "correct what errors names",
				FieldError{"header." + headerDeadline, "must be a time with its zone, as in 2026-12-31T23:59:59+09:00"})
		}
		sooner(at)
	}
	if body != nil {
		sooner(*body)
	}
	if budgetMS != nil {
		sooner(now.Add(time.Duration(min(*budgetMS, maxBudget.Milliseconds())) * time.Millisecond))
	}
	left := deadline.Sub(now)
	if left <= 0 {
		return time.Time{}, nil, nil, fmt.Errorf("%w: before it was begun", money.ErrDeadline)
	}
	ctx, cancel := context.WithTimeout(ctx, left+farewell)
	return deadline, ctx, cancel, nil
}
