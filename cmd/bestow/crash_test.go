//go:build failpoint

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
)

var errKilled = errors.New("killed here")

// abort kills the first times passages of point: the step ends there, and is done again by whoever does such steps
// again.
func abort(ctx context.Context, point string, times int32) (context.Context, *atomic.Int32) {
	var hits atomic.Int32
	return failpoint.With(ctx, func(at string) error {
		if at == point && hits.Add(1) <= times {
			return errKilled
		}
		return nil
	}), &hits
}

// Killed at any point of the road, the step is done again, and every member is granted once and counted once.
//
// F8: relay.after_ack, F13: claim.after_commit, F14: money.after_grant, F24: close.before_commit.
func TestKilledAnywhereOnTheRoad(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		failpoint.RelayRead, failpoint.RelayBetween, failpoint.RelayAfterAck, failpoint.RelayBeforeCommit,
		failpoint.RelayAfterCommit,
		failpoint.ClaimBeforeCommit, failpoint.ClaimAfterCommit, failpoint.MoneyKeyStored, failpoint.MoneyPointsWritten,
		failpoint.MoneyVouchersWritten, failpoint.MoneyBeforeCommit, failpoint.MoneyPointsCommitted,
		failpoint.MoneyVouchersCommitted,
		failpoint.MoneyAfterGrant, failpoint.SettleKeyStored, failpoint.SettleFirstInserted,
		failpoint.SettleFirstClosed,
		failpoint.SettleBeforeCommit, failpoint.SettleAfterCommit, failpoint.CloseBeforeCommit,
		failpoint.CloseAfterCommit,
		failpoint.HandledBeforeAck,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, hits := abort(t.Context(), point, 3)
			p, _ := w.start(ctx, daemon.Overrides{}, daemon.AllRoles...)
			points, vouchers := w.event(p, "POINT", 600), w.event(p, "VOUCHER", 300)
			w.run(p, points)
			w.run(p, vouchers)
			w.exact(p, w.completed(p, points.ID))
			w.exact(p, w.completed(p, vouchers.ID))
			require.Positive(t, hits.Load(), "the point was passed")
			require.Equal(t, 600, w.count(`SELECT count(*) FROM money.point_member`), "a key is granted once")
			require.Equal(t, 300, w.count(`SELECT count(*) FROM money.vouchers`))
			require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`), "no healthy message is parked")
		})
	}
}

// Killed after the ledger's commit, then stopped: what was granted is settled by lookup while the event stands still,
// and a resume completes it (F39).
func TestKilledAfterTheLedgerThenStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, hits := abort(t.Context(), failpoint.MoneyAfterGrant, 1000)
	p, stop := w.start(ctx, daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 400)
	w.run(p, e)
	require.Eventually(t, func() bool { return hits.Load() >= 4 }, time.Minute, 10*time.Millisecond)
	stopped, err := p.App.Events.Stop(t.Context(), operator, e.ID, "after the ledger")
	require.NoError(t, err)
	require.Zero(t, stopped.Draining)
	granted := w.count(`SELECT count(*) FROM money.point_member`)
	require.Positive(t, granted)
	stop()
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	require.Eventually(t, func() bool {
		return w.count(`SELECT success_count FROM campaign_event_summary`) == granted
	}, time.Minute, 50*time.Millisecond, "what the ledger has, the report has")
	require.Equal(t, granted, w.count(`SELECT count(*) FROM money.point_member`), "nothing was granted meanwhile")
	_, _, err = p.App.Events.Resume(t.Context(), operator, e.ID)
	require.NoError(t, err)
	w.exact(p, w.completed(p, e.ID))
}

// A relay that dies between Kafka's ack and its mark leaves targets that are granted and not marked. If a stop takes
// its job away as well, the sweep finds the chunk, although it is settled: without the mark the event would never
// complete.
func TestGrantedAndNeverMarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, _ := abort(t.Context(), failpoint.RelayAfterAck, 1000)
	p, stop := w.start(ctx, daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 200 },
		time.Minute, 10*time.Millisecond)
	stop()
	w.exec(`DELETE FROM river.river_job WHERE kind = 'relay'`)
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	require.Zero(t, w.count(`SELECT published_count FROM campaign_event_summary`))
	n, err := p.Sweeper.Sweep(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	w.exact(p, w.completed(p, e.ID))
}

// The same of a chunk whose retries were published and marked meanwhile: their mark says nothing of the targets', so
// the sweep finds the chunk all the same.
func TestRetriedAndNeverMarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, _ := abort(t.Context(), failpoint.RelayAfterAck, 1000)
	refusing := daemon.Overrides{Granter: func(g grants.Granter) grants.Granter {
		return saying{g, domain.RefusedForNow}
	}}
	p, stop := w.start(ctx, refusing, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM point_results WHERE status = 'FAILED'`) == 200
	}, time.Minute, 10*time.Millisecond)
	stop()
	w.exec(`DELETE FROM river.river_job WHERE kind = 'relay' AND args->>'mode' = 'first'`)
	w.exec(`UPDATE river.river_job SET state = 'available', scheduled_at = now() WHERE kind = 'relay'`)
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 200 },
		time.Minute, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE state <> 'completed' AND kind = 'relay'`) == 0
	}, time.Minute, 10*time.Millisecond)
	n, err := p.Sweeper.Sweep(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	w.exact(p, w.completed(p, e.ID))
}

// An event whose last targets are settled before their relay has marked them is completed by that mark: nobody waits
// for the timetable, which does not run here.
func TestTheLastMarkCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settled := make(chan struct{})
	ctx := failpoint.With(t.Context(), func(at string) error {
		if at == failpoint.RelayAfterAck {
			<-settled
		}
		return nil
	})
	p, _ := w.start(ctx, daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	e := w.event(p, "POINT", 50)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 50 },
		time.Minute, 10*time.Millisecond)
	close(settled)
	w.exact(p, w.completed(p, e.ID))
}

// A relay that sleeps past the rescue of its job, and wakes after another one has done it: only one of them marks and
// counts, and a message twice in Kafka is one grant (F7).
func TestARelayThatWakesTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asleep, wake := make(chan struct{}, 16), make(chan struct{})
	ctx := failpoint.With(t.Context(), func(at string) error {
		if at == failpoint.RelayAfterAck {
			asleep <- struct{}{}
			<-wake
		}
		return nil
	})
	p, _ := w.start(ctx, daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay)
	e := w.event(p, "POINT", 600)
	w.run(p, e)
	jobs := w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay'`)
	for range jobs {
		<-asleep
	}
	// as the rescuer does
	w.exec(`UPDATE river.river_job SET state = 'available', scheduled_at = now() WHERE kind = 'relay' AND state = 'running'`)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay)
	require.Eventually(t, func() bool { return w.count(`SELECT published_count FROM campaign_event_summary`) == 600 },
		time.Minute, 20*time.Millisecond)
	close(wake)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler, daemon.RoleJobs)
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 600, w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`))
}

// Killed around the settling of refusals, a FAILED row has its retry and a retry its row: everybody ends where the
// policy says, with the tries that it says (F22).
func TestKilledWhileRefused(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		failpoint.MoneyAfterGrant, failpoint.SettleLocked, failpoint.SettleInserted, failpoint.SettleUpdated,
		failpoint.SettleClosed, failpoint.SettleRetryMade, failpoint.SettleBeforeCommit, failpoint.SettleAfterCommit,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, hits := abort(t.Context(), point, 6)
			p, _ := w.start(ctx, w.told(func(m string, _ int) (domain.Verdict, bool) {
				if digit(m) == '2' {
					return domain.RefusedForNow, false
				}
				return domain.Granted, true
			}), daemon.AllRoles...)
			e := w.event(p, "POINT", 400)
			w.run(p, e)
			done := w.completed(p, e.ID)
			require.GreaterOrEqual(t, hits.Load(), int32(6))
			require.Equal(t, 360, done.Summary.Success)
			require.Equal(t, 40,
				w.count(`SELECT count(*) FROM point_results WHERE status = 'PERMANENTLY_FAILED' AND retry_count = 3`),
				"killed or not, three refusals are three")
			w.verified(p)
		})
	}
}

// Messages that are published while the event stands still are dropped by the handlers; a resume that comes before
// their relay has marked them counts on that relay, which must publish them again. There is no timetable here to find
// them.
func TestStoppedAndResumedWhileARelayPublishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stopped, resumed := make(chan struct{}), make(chan struct{})
	var read, published atomic.Int32
	ctx := failpoint.With(t.Context(), func(at string) error {
		switch at {
		case failpoint.RelayRead:
			read.Add(1)
			<-stopped
		case failpoint.RelayAfterAck:
			published.Add(1)
			<-resumed
		}
		return nil
	})
	p, _ := w.start(ctx, daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	e := w.event(p, "POINT", 300)
	jobs := w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay'`)
	w.run(p, e)
	require.Eventually(t, func() bool { return int(read.Load()) == jobs }, time.Minute, 10*time.Millisecond)
	_, err := p.App.Events.Stop(t.Context(), operator, e.ID, "while relays publish")
	require.NoError(t, err)
	close(stopped)
	require.Eventually(t, func() bool { return int(published.Load()) == jobs }, time.Minute, 10*time.Millisecond)
	for partition := range w.cfg.Partitions { // rubbish behind the messages: parked, it shows that they were met
		kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+".point", int32(partition), []byte("rubbish"))
	}
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM parked_messages`) == w.cfg.Partitions },
		time.Minute, 50*time.Millisecond)
	require.Zero(t, w.count(`SELECT count(*) FROM money.point_member`))
	_, _, err = p.App.Events.Resume(t.Context(), operator, e.ID)
	require.NoError(t, err)
	close(resumed)
	w.exact(p, w.completed(p, e.ID))
}
