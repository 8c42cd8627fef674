package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"

	"github.com/stretchr/testify/require"
)

// skewed is a clock that is off, and counts how often it is read.
type skewed struct{ off, reads atomic.Int64 }

func (s *skewed) now() time.Time {
	s.reads.Add(1)
	return time.Now().Add(time.Duration(s.off.Load()))
}

// looked waits until the clock was compared with the database's once more.
func (w *world) looked(s *skewed) {
	w.Helper()
	seen := s.reads.Load()
	require.Eventually(w, func() bool { return s.reads.Load() >= seen+4 }, time.Minute, 10*time.Millisecond)
}

const readLeader = `SELECT count(*) FROM river.river_leader WHERE leader_id = $1`

// A process whose clock is an hour off is not ready, works no job and leads nothing; others do. With its clock right it
// joins, and when the clock goes wrong it leaves (F28).
func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var skew skewed
			skew.off.Store(int64(off))
			wrong, _ := w.start(t.Context(), daemon.Overrides{Now: skew.now}, daemon.AllRoles...)
			e := w.event(wrong, "POINT", 300)
			w.run(wrong, e)
			w.looked(&skew)
			require.JSONEq(t, `{"ok":false,"failed":["clock"]}`, w.ready(wrong))
			require.ErrorContains(t, daemon.Clock{Pool: w.pool, Now: skew.now}.Check(t.Context()), "1h0m0s "+name)
			require.Zero(t, w.count(`SELECT count(*) FROM river.river_leader`), "nobody leads")
			require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE kind <> 'relay' OR attempt > 0`),
				"and nothing is worked")

			right, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			w.exact(right, w.completed(right, e.ID))
			require.Eventually(t, func() bool { return w.count(readLeader, right.River.ID()) == 1 }, time.Minute,
				50*time.Millisecond)
			stop()

			skew.off.Store(int64(-4 * time.Second)) // within what may be
			require.Eventually(t, func() bool { return strings.TrimSpace(w.ready(wrong)) == `{"ok":true}` },
				time.Minute, 20*time.Millisecond)
			require.Eventually(t, func() bool { return w.count(readLeader, wrong.River.ID()) == 1 }, time.Minute,
				50*time.Millisecond)
			again := w.event(wrong, "POINT", 300)
			w.run(wrong, again)
			w.exact(wrong, w.completed(wrong, again.ID))

			skew.off.Store(int64(off))
			require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM river.river_leader`) == 0 },
				time.Minute, 50*time.Millisecond)
			require.JSONEq(t, `{"ok":false,"failed":["clock"]}`, w.ready(wrong))
		})
	}
}
