package people

import (
	"context"
	"fmt"
	"time"
)

// hashing bounds the work of hashing passwords: one takes a core for a tenth of a second, and 64 MiB. Strangers have a
// queue of their own, so that a person who is known here never waits for them.
type hashing struct{ known, strangers queue }

// The most passwords that wait in a queue for their turn.
const (
	maxKnown     = 32
	maxStrangers = 8
)

// busy is how long a person is asked to wait where a queue is full.
const busy = 2 * time.Second

func newHashing() hashing { return hashing{newQueue(maxKnown), newQueue(maxStrangers)} }

// of returns the queue of those who are known here, or that of strangers.
func (h hashing) of(known bool) queue {
	if known {
		return h.known
	}
	return h.strangers
}

// queue lets one after another have a turn, and refuses those for whom there is no place to wait.
type queue struct{ places, turn chan struct{} }

func newQueue(places int) queue {
	return queue{places: make(chan struct{}, places), turn: make(chan struct{}, 1)}
}

// wait returns at the caller's turn, which lasts until leave is called. Errors: domain.WaitError if the queue is full;
// that of ctx.
func (q queue) wait(ctx context.Context) (leave func(), err error) {
	select {
	case q.places <- struct{}{}:
	default:
		return nil, tooMany(busy)
	}
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn; <-q.places }, nil
	case <-ctx.Done():
		<-q.places
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}
