// Package places bounds how much of a kind is at work in a process at once, by whom. Who finds no place free may wait,
// and takes a turn when one is left.
package places

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Why there is no place.
var (
	// ErrFull says that all places are taken.
	ErrFull = errors.New("all places are taken")
	// ErrShare says that the owner has as many places as one may have.
	ErrShare = errors.New("the owner has all places that one may have")
	// ErrQueue says that too many wait already.
	ErrQueue = errors.New("too many wait for a place")
	// ErrStopping says that the process stops.
	ErrStopping = errors.New("the process stops")
)

// Limits bound the places and those who wait for one.
type Limits struct {
	All     int // places
	Each    int // of them, that one owner may have
	Waiting int // who may wait; a full queue still takes in an owner of whom at least two fewer wait than of another
}

// Places are taken and left. Of those who wait, the first who may have the place that is left gets it.
type Places struct {
	limits Limits

	mu    sync.Mutex
	taken map[string]int // by the owner
	all   int
	queue []*waiter // in the order in which they came; none of them may have a place now
}

// waiter waits for a place.
type waiter struct {
	owner string
	turn  chan error // nil: it has a place; holds one answer
}

// New returns places that nobody has taken.
func New(limits Limits) *Places { return &Places{limits: limits, taken: map[string]int{}} }

// ButOne returns the limits of so many places: one owner may have all of them but one, if there are two or more, and 40
// may wait for each.
func ButOne(all int) Limits { return Limits{All: all, Each: max(1, all-1), Waiting: 40 * all} }

// Wait says how long to wait for a place. The zero value does not wait.
type Wait struct {
	AtMost time.Duration
	Ending <-chan struct{} // is closed when the process stops; nil: it never is
}

// Take takes a place for the owner, until leave is called, once. Errors: ErrFull, ErrShare, ErrQueue, ErrStopping, and
// that of ctx, wrapped.
func (p *Places) Take(ctx context.Context, owner string, wait Wait) (leave func(), err error) {
	w, err := p.enter(owner, wait.AtMost > 0)
	if err != nil {
		return nil, err
	}
	leave = func() { p.leave(owner) }
	if w == nil {
		return leave, nil
	}
	late := time.NewTimer(wait.AtMost)
	defer late.Stop()
	select {
	case err = <-w.turn:
		if err != nil {
			return nil, err
		}
		return leave, nil
	case <-late.C:
		err = p.why(owner)
	case <-wait.Ending:
		err = ErrStopping
	case <-ctx.Done():
		err = fmt.Errorf("wait for a place: %w", ctx.Err())
	}
	p.giveUp(w)
	return nil, err
}

// Counts returns how many places are taken, and how many wait for one.
func (p *Places) Counts() (taken, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all, len(p.queue)
}

// enter takes a place, or returns the waiter that stands in the queue for it.
func (p *Places) enter(owner string, waits bool) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.lacks(owner)
	switch {
	case err == nil:
		p.take(owner)
		return nil, nil //nolint:nilnil // no waiter: it has its place
	case !waits:
		return nil, err
	case len(p.queue) >= p.limits.Waiting && !p.makeRoom(owner):
		return nil, ErrQueue
	}
	w := &waiter{owner, make(chan error, 1)}
	p.queue = append(p.queue, w)
	return w, nil
}

// lacks returns why the owner cannot have a place now.
func (p *Places) lacks(owner string) error {
	switch {
	case p.taken[owner] >= p.limits.Each:
		return ErrShare
	case p.all >= p.limits.All:
		return ErrFull
	}
	return nil
}

func (p *Places) why(owner string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.lacks(owner); err != nil {
		return err
	}
	return ErrFull // until a moment ago
}

func (p *Places) take(owner string) {
	p.taken[owner]++
	p.all++
}

// makeRoom sends the last one away of the owner of whom most wait, if that are at least two more than of owner: then
// the newcomer's owner has no more than they.
func (p *Places) makeRoom(owner string) bool {
	waiting := map[string]int{}
	most := owner
	for _, w := range p.queue {
		if waiting[w.owner]++; waiting[w.owner] > waiting[most] {
			most = w.owner
		}
	}
	if waiting[most] < waiting[owner]+2 {
		return false
	}
	for i, w := range slices.Backward(p.queue) {
		if w.owner == most {
			p.queue = slices.Delete(p.queue, i, i+1)
			w.turn <- ErrQueue
			return true
		}
	}
	return false
}

// leave gives a place back, and the next ones their turn.
func (p *Places) leave(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.taken[owner]--; p.taken[owner] == 0 {
		delete(p.taken, owner)
	}
	p.queue = slices.DeleteFunc(p.queue, func(w *waiter) bool {
		if p.lacks(w.owner) != nil {
			return false
		}
		p.take(w.owner)
		w.turn <- nil
		return true
	})
}

// giveUp takes a waiter out of the queue, or gives the place back that it has got in this moment.
func (p *Places) giveUp(w *waiter) {
	p.mu.Lock()
	i := slices.Index(p.queue, w)
	if i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 && <-w.turn == nil {
		p.leave(w.owner)
	}
}
