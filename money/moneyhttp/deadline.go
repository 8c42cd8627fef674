package moneyhttp

import (
	"context"
	"fmt"
	"time"

	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

const (
	// maxBudget is the longest that a request may say that it may take.
	maxBudget = time.Minute
	// answerGrace is the time that a request whose deadline has passed may take to find out what stands under its keys,
	// and to say so.
	answerGrace = time.Second
	// clockHolds is the time that a look at the ledger's clock is good for.
	clockHolds = 5 * time.Second
)

// ledgerClock knows the time of the ledger's database, by which a deadline is told, without asking it each time.
type ledgerClock struct {
	read func(context.Context) (money.Identity, error)

	look       chan struct{} // of one: who holds it may look at the clock, and at what follows
	readAt     time.Time     // by this process's clock
	ledgerTime time.Time     // the ledger's at that moment, never ahead
}

func newLedgerClock(read func(context.Context) (money.Identity, error)) ledgerClock {
	return ledgerClock{read: read, look: make(chan struct{}, 1)}
}

// now returns the ledger's time, at most the time of one question behind it.
func (c *ledgerClock) now(ctx context.Context) (time.Time, error) {
	select {
	case c.look <- struct{}{}:
		defer func() { <-c.look }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	if c.ledgerTime.IsZero() || time.Since(c.readAt) > clockHolds {
		id, err := c.read(ctx)
		if err != nil {
			return time.Time{}, err
		}
		c.readAt, c.ledgerTime = time.Now(), id.Now
	}
	return c.ledgerTime.Add(time.Since(c.readAt)), nil
}

// times hold what a request says of when it must be done: nil and "" say nothing.
type times struct {
	header string
	body   *time.Time
	budget *int64 // milliseconds
}

// limit bounds the time of the request from its arrival, even if it names a later moment.
func (t times) limit() time.Duration {
	switch {
	case t.budget != nil:
		return time.Duration(max(0, min(*t.budget, maxBudget.Milliseconds()))) * time.Millisecond
	case t.header == "" && t.body == nil:
		return wire.DefaultBudget
	}
	return maxBudget
}

// deadlineOf returns the earliest moment, by the ledger's clock, that a request names as its deadline, and a context
// that ends soon after it. A budget counts from the arrival of the request: what it waited for since then is gone. A
// deadline that has passed is returned like any other: the key may stand for what is asked already. Errors:
// pg.ErrNotBegun, a problem.
func (s *Server) deadlineOf(ctx context.Context, t times) (time.Time, context.Context, context.CancelFunc, error) {
	arrived := arrivalOf(ctx)
	bounded, cancel := context.WithTimeout(ctx, max(0, t.limit()-time.Since(arrived))+answerGrace)
	now, err := s.clock.now(bounded)
	cancel()
	if err != nil {
		return time.Time{}, nil, nil, fmt.Errorf("%w: %w", pg.ErrNotBegun, err)
	}
	deadline, err := t.deadline(now, arrived)
	if err != nil {
		return time.Time{}, nil, nil, err
	}
	ctx, cancel = context.WithTimeout(ctx, max(0, deadline.Sub(now))+answerGrace)
	return deadline, ctx, cancel, nil
}

// deadline is the earliest of them, by the clock of now. Error: a problem.
func (t times) deadline(now, arrived time.Time) (time.Time, error) {
	deadline := now.Add(t.limit() - time.Since(arrived))
	if t.header != "" {
		at, err := time.Parse(time.RFC3339, t.header)
		if err != nil {
			return time.Time{}, unusable(wire.CodeBadRequest, "the header "+wire.HeaderDeadline+" cannot be used",
				wire.FieldError{
					Location: "header." + wire.HeaderDeadline,
					Message:  "must be a time with its zone, as in 2026-12-31T23:59:59+09:00",
				})
		}
		deadline = earlier(deadline, at)
	}
	if t.body != nil {
		deadline = earlier(deadline, *t.body)
	}
	return deadline, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
