package reports

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// Five hundred watchers of an event cost one read a tick, and one that leaves ends it for no other.
func TestWatchersShareReads(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	began, goOn := make(chan struct{}), make(chan struct{})
	s := newShared(func(ctx context.Context, id int64) (Progress, error) {
		if reads.Add(1) == 1 {
			close(began)
		}
		<-goOn
		return Progress{Event: domain.Event{ID: id}}, ctx.Err()
	})
	now := time.Now()
	s.now = func() time.Time { return now }
	leaving, leave := context.WithCancel(t.Context())
	var watchers sync.WaitGroup
	watchers.Go(func() { _, _ = s.get(leaving, 7) }) // it leaves while it reads for all
	<-began
	for range 500 {
		watchers.Go(func() {
			if p, err := s.get(t.Context(), 7); err != nil || p.Event.ID != 7 {
				t.Errorf("event %d, %v", p.Event.ID, err)
			}
		})
	}
	leave()
	close(goOn)
	watchers.Wait()
	require.EqualValues(t, 1, reads.Load())
	_, err := s.get(t.Context(), 8)
	require.NoError(t, err)
	require.EqualValues(t, 2, reads.Load(), "another event has a read of its own")
	now = now.Add(Tick)
	_, err = s.get(t.Context(), 7)
	require.NoError(t, err)
	require.EqualValues(t, 3, reads.Load(), "at the next tick it is read again")
	require.Len(t, s.shots, 1, "what no one follows is forgotten")
}
