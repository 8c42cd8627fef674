package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// redriven is a world whose event has 20 of 200 members given up, and then says grant what is asked for again.
type redriven struct {
	*world
	with    daemon.Overrides
	handled atomic.Int32 // messages that a handler has done with
	mended  atomic.Bool
	unknown atomic.Int32 // redrives whose outcome stays unknown before one is granted
}

func newRedriven(tb testing.TB, lasting byte) *redriven {
	tb.Helper()
	r := &redriven{world: newWorld(tb)}
	r.with = r.told(func(m string, _ int) (domain.Verdict, bool) {
		switch {
		case digit(m) == '3' && !r.mended.Load():
			return domain.RefusedForGood, false
		case digit(m) == '3' && r.unknown.Add(-1) >= 0:
			return domain.Unknown, false
		case digit(m) == lasting && !r.mended.Load(): // keeps the event running
			return domain.Unknown, false
		}
		return domain.Granted, true
	})
	r.with.Handler = func(next outbox.Handler) outbox.Handler {
		return func(ctx context.Context, m outbox.Message) error {
			err := next(ctx, m)
			if err == nil {
				r.handled.Add(1)
			}
			return err
		}
	}
	return r
}

// published waits until nothing is left for the relay to publish.
func (r *redriven) published() {
	r.Helper()
	require.Eventually(r, func() bool {
		return r.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND args->>'mode' = 'redrive' AND state = 'completed'`) > 0 &&
			r.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND args->>'mode' = 'redrive' AND state <> 'completed'`) == 0
	}, time.Minute, 10*time.Millisecond)
}

// answered waits until every member is granted, and asserts that the numbers are exact.
func (r *redriven) answered(p *daemon.Process, id int64) {
	r.Helper()
	require.Eventually(r, func() bool { return r.count(`SELECT success_count FROM campaign_event_summary`) == 200 },
		45*time.Second, 20*time.Millisecond)
	require.Zero(r, r.count(`SELECT fail_count FROM campaign_event_summary`))
	require.Zero(r, r.count(`SELECT count(*) FROM point_results WHERE redrive_done < redrive`))
	require.Equal(r, 20, r.count(`SELECT count(*) FROM point_results WHERE redrive = 1 AND retry_count = 1`),
		"one try each, by a person")
	require.Equal(r, 200, r.count(`SELECT count(*) FROM money.point_member`))
	r.completed(p, id)
	r.verified(p)
}

// A redrive that was accepted, published, and met by a handler while the event was stopped: the resume asks for it
// again (F44).
func TestRedriveAndStop(t *testing.T) {
	t.Parallel()
	w := newRedriven(t, '5')
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	_, stopHandler := w.start(t.Context(), w.with, daemon.RoleHandler)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT fail_count FROM campaign_event_summary`) == 20 },
		time.Minute, 20*time.Millisecond)
	stopHandler()
	taken, err := p.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	require.Equal(t, 20, taken.Value.Accepted)
	w.published()
	_, err = p.App.Events.Stop(t.Context(), operator, e.ID, "in between")
	require.NoError(t, err)
	w.mended.Store(true)
	w.handled.Store(0)
	messages := int32(len(kafkatest.Messages(t, w.cfg.Brokers, w.cfg.TopicPrefix+".point.dlt")))
	w.start(t.Context(), w.with, daemon.RoleHandler)
	require.Eventually(t, func() bool { return w.handled.Load() >= messages }, time.Minute, 20*time.Millisecond)
	require.Equal(t, 20, w.count(`SELECT count(*) FROM point_results WHERE redrive_done < redrive`),
		"stopped is stopped")
	_, _, err = p.App.Events.Resume(t.Context(), operator, e.ID)
	require.NoError(t, err)
	w.answered(p, e.ID)
}

// A redrive whose outcome is unknown is asked for again by the machine, at COMPLETED too (F44).
func TestRedriveWithAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newRedriven(t, 0)
	p, _ := w.start(t.Context(), w.with, daemon.AllRoles...)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	w.completed(p, e.ID)
	w.unknown.Store(20)
	w.mended.Store(true)
	_, err := p.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	w.answered(p, e.ID)
	require.Negative(t, w.unknown.Load(), "the unknown ones were asked for again")
}

// A redrive whose message Kafka lost is published again, at COMPLETED too; one that a slow consumer has not reached is
// not (F44).
func TestRedriveThatKafkaLost(t *testing.T) {
	t.Parallel()
	w := newRedriven(t, 0)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	p.Sweeper.Patience = time.Nanosecond
	_, stopHandler := w.start(t.Context(), w.with, daemon.RoleHandler)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	w.completed(p, e.ID)
	w.passed(".point")
	stopHandler()
	for range 2 { // a moment that the groups have passed, before the redrive
		_, err := p.Sweeper.Reconcile(t.Context())
		require.NoError(t, err)
	}
	_, err := p.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	w.published()
	for range 3 {
		n, err := p.Sweeper.Reconcile(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "a lag is no loss")
	}
	topic := w.cfg.TopicPrefix + ".point.dlt"
	for partition, end := range kafkatest.EndOffsets(t, w.cfg.Brokers, topic) {
		if end > 0 {
			kafkatest.DeleteRecords(t, w.cfg.Brokers, topic, partition, end)
		}
	}
	n, err := p.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	n, err = p.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "they were published again, or wait for it")
	w.mended.Store(true)
	w.start(t.Context(), w.with, daemon.RoleHandler)
	w.answered(p, e.ID)
}

// passed waits until the topic's group has committed all of it: a handler that is stopped before would leave its last
// messages to the next one.
func (w *world) passed(suffix string) {
	w.Helper()
	topic := w.cfg.TopicPrefix + suffix
	require.Eventually(w, func() bool {
		committed := kafkatest.Committed(w, w.cfg.Brokers, w.group(topic), topic)
		for partition, end := range kafkatest.EndOffsets(w, w.cfg.Brokers, topic) {
			if end > 0 && committed[partition] < end {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond)
}

// A refused member whose retry was published, and met by a handler while the event was stopped, is asked for again by
// the resume, though another job of its chunk still waits: nobody is left to the reconcile (F39).
func TestRetryThatAStopDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var open atomic.Bool
	with := w.told(func(m string, _ int) (domain.Verdict, bool) {
		if digit(m) == '3' && !open.Load() {
			return domain.RefusedForNow, false
		}
		return domain.Granted, true
	})
	with.Limits = func(l *app.Limits) { l.Retry = domain.RetryPolicy{Limit: 5, Backoff: time.Hour} }
	p, _ := w.start(t.Context(), with, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM point_results WHERE status = 'FAILED'`) == 20 &&
			w.count(`SELECT count(*) FROM point_results`) == 200
	}, time.Minute, 20*time.Millisecond)
	_, err := p.App.Events.Stop(t.Context(), operator, e.ID, "in between")
	require.NoError(t, err)
	w.exec(`UPDATE river.river_job SET args = args || '{"mode": "again", "try": 0}' WHERE kind = 'relay' AND args->>'mode' = 'retry'`)
	open.Store(true)
	_, _, err = p.App.Events.Resume(t.Context(), operator, e.ID)
	require.NoError(t, err)
	w.exact(p, w.completed(p, e.ID))
}
