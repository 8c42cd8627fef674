package reports

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Tick is the time between two looks of those who follow an event.
const Tick = time.Second

// followWithin bounds a read for those who follow an event.
const followWithin = 15 * time.Second

// Follow is Progress for those who look again and again: it was read a moment ago for another of them, or is read now.
func (s *Reports) Follow(ctx context.Context, id int64) (Progress, error) {
	return s.followed.get(ctx, id)
}

// FollowFlow is Flow for those who look again and again.
func (s *Reports) FollowFlow(ctx context.Context, id int64) (Flow, error) {
	return s.flows.get(ctx, id)
}

// shared reads what is told of an event once for all who follow it: any number of watchers cost one read a tick.
type shared[T any] struct {
	read func(context.Context, int64) (T, error) // within followWithin
	now  func() time.Time

	mu    sync.Mutex
	shots map[int64]*shot[T]
}

// shot is what is told of an event at one moment, or the error of reading it.
type shot[T any] struct {
	at   time.Time // when it was begun
	done chan struct{}
	told T
	err  error
}

// fresh is how long a shot is told to others. It is shorter than a tick, so that each tick of a watcher shows a new
// one.
const fresh = Tick * 9 / 10

func newShared[T any](read func(context.Context, int64) (T, error)) *shared[T] {
	return &shared[T]{read: read, now: time.Now, shots: map[int64]*shot[T]{}}
}

// errNotRead is told to others if the one that reads panics.
var errNotRead = errors.New("the event was not read")

// get returns what is told of an event, which was read a moment ago or is read now. The first of those who ask reads
// for all, also if it leaves meanwhile.
func (s *shared[T]) get(ctx context.Context, id int64) (told T, err error) {
	p, first := s.shot(id)
	if first {
		s.take(ctx, id, p)
	}
	select {
	case <-p.done:
		return p.told, p.err
	case <-ctx.Done():
		return told, ctx.Err()
	}
}

// take reads for a shot.
func (s *shared[T]) take(ctx context.Context, id int64, p *shot[T]) {
	defer close(p.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), followWithin)
	defer cancel()
	p.told, p.err = s.read(ctx, id)
}

// shot returns the newest shot of an event, and whether the caller is the first who asks for it.
func (s *shared[T]) shot(id int64) (p *shot[T], first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if p, ok := s.shots[id]; ok && now.Sub(p.at) < fresh {
		return p, false
	}
	for other, p := range s.shots { // those that no one follows any more
		if now.Sub(p.at) >= fresh {
			delete(s.shots, other)
		}
	}
	p = &shot[T]{at: now, done: make(chan struct{}), err: errNotRead}
	s.shots[id] = p
	return p, true
}
