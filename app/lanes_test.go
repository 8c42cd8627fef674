package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// lanes makes n events in three lanes whose time has come, with priorities that do not follow the ids, and returns for
// each lane the events in the order in which they have to run.
func (s *lifeTest) lanes(n int) [3][]int64 {
	s.Helper()
	type turn struct {
		priority int // of none: the last
		id       int64
	}
	var lanes [3][]turn
	at := time.Now().Truncate(time.Second) // once: a second may end between two events of a lane
	for i := range n {
		lane, order, priority := i%3, 1<<40, any(nil)
		if p := (i * 7) % 5; p != 3 {
			order, priority = p, p
		}
		id := s.listed(domain.Pending)
		s.Exec(`UPDATE campaign_events SET reservation_priority = $2, reservation_at = $3 WHERE id = $1`, id, priority,
			at.Add(-time.Duration(lane+1)*time.Minute))
		lanes[lane] = append(lanes[lane], turn{order, id})
	}
	var ids [3][]int64
	for lane := range lanes {
		slices.SortStableFunc(lanes[lane], func(a, b turn) int { return a.priority - b.priority })
		for _, t := range lanes[lane] {
			ids[lane] = append(ids[lane], t.id)
		}
	}
	return ids
}

// Many processes that look for what is due at the same moment, again and again, start one event of a lane at a time, in
// the lane's order (F27).
func TestProcessesRaceForALane(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	lanes := s.lanes(12)
	for turn := range 4 {
		var group errgroup.Group
		start := make(chan struct{})
		for range 20 {
			group.Go(func() error {
				<-start
				return s.app.Events.StartDue(t.Context())
			})
		}
		close(start)
		require.NoError(t, group.Wait())
		for lane, ids := range lanes {
			var running []int64
			for _, id := range ids {
				if s.status(id) == domain.Running {
					running = append(running, id)
				}
			}
			require.Equal(t, ids[turn:turn+1], running, "lane %d", lane)
		}
		s.Exec(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE event_status = 'RUNNING'`)
	}
}

// A session that holds the gate of a due event, such as a large delete, holds up no other event: that is stopped at
// once, and the lane behind the held one waits for it.
func TestAHeldGateHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	running, first, second := s.listed(domain.Running), s.listed(domain.Pending), s.listed(domain.Pending)
	s.Exec(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) WHERE id = ANY ($1)`,
		[]int64{first, second})
	tx, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, pg.Lock(t.Context(), tx, pg.Gate, first))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stopped, err := s.app.Events.Stop(ctx, by(""), running, "while another one is deleted")
	require.NoError(t, err)
	require.Zero(t, stopped.Draining)
	require.Equal(t, domain.Pending, s.status(second), "no event overtakes")
	require.NoError(t, tx.Rollback(t.Context()))
	s.mustDo(s.app.Events.StartDue(t.Context()))
	require.Equal(t, domain.Running, s.status(first))
	require.Equal(t, domain.Pending, s.status(second))
}
