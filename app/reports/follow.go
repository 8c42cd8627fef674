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

// shared reads the progress of an event once for all who follow it: any number of watchers cost one read a tick.
type shared struct {
	read func(context.Context, int64) (Progress, error) // it bounds its own time
	now  func() time.Time

	mu    sync.Mutex
	shots map[int64]*shot
}

// shot is the progress of an event at one moment, or the error of reading it.
type shot struct {
	at       time.Time // when it was begun
	done     chan struct{}
	progress Progress
	err      error
}

// fresh is how long a shot is told to others. It is shorter than a tick, so that each tick of a watcher shows a new
// one.
const fresh = Tick * 9 / 10

func newShared(read func(context.Context, int64) (Progress, error)) *shared {
	return &shared{read: read, now: time.Now, shots: map[int64]*shot{}}
}

// errNotRead is told to others if the one that reads panics.
var errNotRead = errors.New("the progress was not read")

// get returns the progress of an event, which was read a moment ago or is read now. The first of those who ask reads
// for all, also if it leaves meanwhile.
func (s *shared) get(ctx context.Context, id int64) (Progress, error) {
	p, first := s.shot(id)
	if first {
		s.take(ctx, id, p)
	}
	select {
	case <-p.done:
		return p.progress, p.err
	case <-ctx.Done():
		return Progress{}, ctx.Err()
	}
}

// take reads the progress of a shot.
func (s *shared) take(ctx context.Context, id int64, p *shot) {
	defer close(p.done)
	p.progress, p.err = s.read(context.WithoutCancel(ctx), id)
}

// shot returns the newest shot of an event, and whether the caller is the first who asks for it.
func (s *shared) shot(id int64) (p *shot, first bool) {
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
	p = &shot{at: now, done: make(chan struct{}), err: errNotRead}
	s.shots[id] = p
	return p, true
}
