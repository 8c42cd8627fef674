package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// Handlers come and go under load, one to eight of them: after each step grants go on, nothing is parked, and in the
// end everybody was granted once (F33). BESTOW_TEST_STEPS says how many steps; else 4.
func TestHandlersComeAndGo(t *testing.T) {
	t.Parallel()
	steps := pgtest.Times(t, "BESTOW_TEST_STEPS", 4)
	w := newWorld(t)
	w.cfg.MaxConns = 6
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	var events []domain.Event
	var handlers []func()
	settled := func() int { return w.count(`SELECT coalesce(sum(success_count), 0)::int FROM campaign_event_summary`) }
	for range steps {
		if len(handlers) < 2 || len(handlers) < 8 && rand.IntN(2) == 0 {
			_, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
			handlers = append(handlers, stop)
		} else {
			i := rand.IntN(len(handlers))
			handlers[i]()
			handlers = append(handlers[:i], handlers[i+1:]...)
		}
		events = append(events, w.event(p, "POINT", 2_000))
		before := settled()
		w.run(p, events[len(events)-1])
		require.Eventually(t, func() bool { return settled() > before }, 2*time.Minute, 20*time.Millisecond,
			"grants go on")
	}
	for _, e := range events {
		w.completed(p, e.ID)
	}
	w.verified(p)
	require.Equal(t, 2_000*steps, w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
}
