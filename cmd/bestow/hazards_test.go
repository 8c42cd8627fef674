package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/money/breaker"

	"github.com/stretchr/testify/require"
)

// The answer to one COMMIT in nine is lost, whoever's it is: relay, claim, ledger, settling, closing, River's own. What
// was committed stays, nobody counts it twice, and the event completes exactly (F3).
func TestLostAnswersToCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deaf := newDeafProxy(t, &w.cfg.DatabaseURL, 9)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	points, vouchers := w.event(p, "POINT", 2_000), w.event(p, "VOUCHER", 500)
	deaf.on.Store(true)
	for _, e := range []domain.Event{points, vouchers} { // a start whose answer is lost is asked again
		require.Eventually(t, func() bool {
			_, _, err := p.App.Events.Start(t.Context(), operator, e.ID)
			return err == nil
		}, time.Minute, 10*time.Millisecond)
	}
	lost := func(id int64) domain.Event {
		require.Eventually(t, func() bool {
			return w.count(`SELECT count(*) FROM campaign_events WHERE id = $1 AND event_status = 'COMPLETED'`, id) == 1
		}, 2*time.Minute, 50*time.Millisecond)
		return w.completed(p, id)
	}
	points, vouchers = lost(points.ID), lost(vouchers.ID)
	deaf.on.Store(false)
	// 25 messages of several commits each: how many is for batching to say
	require.Positive(t, deaf.lost.Load(), "answers were lost")
	w.exact(p, points)
	w.exact(p, vouchers)
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`))
}

// deafProxy stands before PostgreSQL and loses the answer to one COMMIT in each, with the connection.
type deafProxy struct {
	to      string
	each    int32
	on      atomic.Bool
	commits atomic.Int32
	lost    atomic.Int32
}

// newDeafProxy puts a proxy before the server of dsn, and into dsn.
func newDeafProxy(t *testing.T, dsn *string, each int32) *deafProxy {
	t.Helper()
	at, err := url.Parse(*dsn)
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p := &deafProxy{to: at.Host, each: each}
	at.Host = l.Addr().String()
	*dsn = at.String()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *deafProxy) serve(client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	var deaf atomic.Bool
	go func() {
		_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
			if deaf.Load() { // PostgreSQL has answered, so it is committed
				p.lost.Add(1)
				return 0, errors.Join(client.Close(), io.ErrClosedPipe)
			}
			return client.Write(b)
		}), server)
		_, _ = client.Close(), server.Close()
	}()
	_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
		if p.on.Load() && bytes.Contains(b, []byte("commit\x00")) && p.commits.Add(1)%p.each == 0 {
			deaf.Store(true)
		}
		return server.Write(b)
	}), client)
	_ = server.Close()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A relay job whose worker died is run again by whoever leads, in whatever role that process is (F6).
func TestTheLeaderKnowsEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	e := w.event(api, "POINT", 300)
	w.run(api, e)
	w.exec(`UPDATE river.river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '2 minutes', attempted_by = '{"gone"}' WHERE kind = 'relay'`)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND state IN ('available', 'retryable')`) == w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay'`)
	}, 2*time.Minute, 100*time.Millisecond)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler)
	w.exact(api, w.completed(api, e.ID))
}

// Handlers that start for the first time after everything was published grant all of it (F11).
func TestHandlersComeLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	e := w.event(p, "POINT", 500)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT published_count FROM campaign_event_summary`) == 500 },
		time.Minute, 20*time.Millisecond)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
	w.exact(p, w.completed(p, e.ID))
}

// hanging is a ledger that does not answer its first callers before their time is up.
type hanging struct {
	grants.Granter
	calls atomic.Int32
}

func (h *hanging) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	if h.calls.Add(1) <= 4 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.Granter.Grant(ctx, e, deadline, batch)
}

// A ledger that hangs holds a partition for the budget of one call, not for ever, and nobody is refused for it (F18).
func TestAHangingLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &hanging{}
	p, _ := w.start(t.Context(),
		daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { h.Granter = g; return h }},
		daemon.AllRoles...)
	e := w.event(p, "POINT", 600)
	w.run(p, e)
	done := w.completed(p, e.ID)
	w.exact(p, done)
	require.Zero(t, done.Summary.RetrySuccess, "a time-out is no refusal")
}

// slow is a ledger that takes longer for its first batch than a group waits at a rebalance.
type slow struct {
	grants.Granter
	begun chan struct{}
	once  atomic.Bool
}

func (s *slow) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	if s.once.CompareAndSwap(false, true) {
		close(s.begun)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(12 * time.Second):
		}
	}
	return s.Granter.Grant(ctx, e, deadline, batch)
}

// A handler that is at work while others join loses its partitions and finishes all the same: everybody goes on, and
// everybody is granted once (F17).
func TestASlowHandlerAtARebalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &slow{begun: make(chan struct{})}
	with := daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { s.Granter = g; return s },
		Limits:  func(l *app.Limits) { l.ClaimLease, l.GrantBudget = 20*time.Second, 15*time.Second },
	}
	p, _ := w.start(t.Context(), with, daemon.AllRoles...)
	e := w.event(p, "POINT", 3_000)
	w.run(p, e)
	<-s.begun
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
	done := w.completed(p, e.ID)
	w.exact(p, done)
	require.Equal(t, 3_000, w.count(`SELECT count(*) FROM money.point_member`))
}

// leisurely is the ledger of one handler. It is away until the handler's turn; then it works on what it is asked until
// after the handler was told to stop.
type leisurely struct {
	grants.Granter
	turn  atomic.Bool
	begun chan struct{}
	told  <-chan struct{}
}

func (l *leisurely) Away(e domain.Event) error {
	if !l.turn.Load() {
		return breaker.ErrAway
	}
	return l.Granter.Away(e)
}

func (l *leisurely) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	select {
	case l.begun <- struct{}{}:
	default:
	}
	<-l.told
	select {
	case <-ctx.Done(): // the stop has reached it
		return nil, ctx.Err()
	case <-time.After(500 * time.Millisecond):
	}
	return l.Granter.Grant(ctx, e, deadline, batch)
}

// atWork starts a handler whose ledger waits for its turn. restart gives it the turn, and stops it while the ledger
// works.
func (w *world) atWork() (p *daemon.Process, restart func()) {
	w.Helper()
	ctx, tell := context.WithCancel(w.Context())
	w.Cleanup(tell)
	l := &leisurely{begun: make(chan struct{}, 1), told: ctx.Done()}
	p, stop := w.start(ctx, daemon.Overrides{
		Limits:  longLease,
		Granter: func(g grants.Granter) grants.Granter { l.Granter = g; return l },
	}, daemon.RoleHandler)
	return p, func() {
		w.Helper()
		l.turn.Store(true)
		select {
		case <-l.begun:
		case <-time.After(time.Minute):
			require.Fail(w, "the ledger was never asked")
		}
		tell()
		stop()
	}
}

func longLease(l *app.Limits) { l.ClaimLease, l.GrantBudget = 20*time.Second, 10*time.Second }

// Handlers are stopped one after the other by the orderly way, each while the ledger works for it: what has begun is
// finished, nothing is parked, and no chunk waits for the lease of somebody who left (F21, F33).
func TestRollingRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	eight := 8
	e := w.eventIn(p, "POINT", 20_000, &eight) // something in each partition, so that whoever has one has work
	var restarts []func()
	var handlers []*daemon.Process
	for range 4 {
		h, restart := w.atWork()
		handlers, restarts = append(handlers, h), append(restarts, restart)
	}
	for _, h := range handlers {
		require.Eventually(t, func() bool { return h.Router.Assigned(e.Type) == 2 }, time.Minute, 20*time.Millisecond)
	}
	w.run(p, e)
	for i, restart := range restarts {
		restart()
		require.Zero(t, w.count(`SELECT count(*) FROM grant_chunks WHERE open_until IS NOT NULL`),
			"handler %d left a claim behind", i)
	}
	settled := w.count(`SELECT success_count FROM campaign_event_summary`)
	require.Positive(t, settled, "what had begun was finished")
	require.Less(t, settled, 20_000, "they were stopped in the middle")
	w.start(t.Context(), daemon.Overrides{Limits: longLease}, daemon.RoleHandler)
	w.exact(p, w.completed(p, e.ID))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	require.Zero(t, w.count(`SELECT count(*) FROM grant_chunks WHERE settled_at > claimed_at + interval '15 seconds'`),
		"nobody waited for a lease")
}

// Every topic is delivered twice more after the event has completed: not one row differs (F40).
func TestTopicsAgainAfterCompleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), w.told(func(m string, nth int) (domain.Verdict, bool) {
		switch {
		case digit(m) == '1' && nth == 1:
			return domain.RefusedForNow, false
		case digit(m) == '3':
			return domain.RefusedForGood, false
		}
		return domain.Granted, true
	}), daemon.AllRoles...)
	e := w.event(p, "POINT", 400)
	w.run(p, e)
	w.completed(p, e.ID)
	const rows = `SELECT md5(string_agg(x::text, '' ORDER BY x::text)) FROM (
		SELECT to_jsonb(r) FROM point_results r UNION ALL SELECT to_jsonb(t) FROM point_targets t UNION ALL SELECT to_jsonb(c) FROM grant_chunks c
		UNION ALL SELECT to_jsonb(s) FROM campaign_event_summary s UNION ALL SELECT to_jsonb(e) FROM campaign_events e
		UNION ALL SELECT to_jsonb(m) FROM money.point_member m UNION ALL SELECT to_jsonb(j) FROM river.river_job j WHERE kind = 'relay') all_of_it(x)`
	before := w.text(rows)
	topics := []string{".point", ".point.dlt"}
	for range 2 {
		for _, topic := range topics {
			for _, m := range kafkatest.Messages(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic) {
				kafkatest.Send(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic, m)
			}
		}
	}
	for _, topic := range topics { // rubbish behind them in each partition: once it is parked, they have been handled
		for partition := range kafkatest.EndOffsets(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic) {
			kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic, partition, []byte("the end"))
		}
	}
	partitions := len(kafkatest.EndOffsets(t, w.cfg.Brokers, w.cfg.TopicPrefix+".point"))
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM parked_messages`) == 2*partitions },
		time.Minute, 50*time.Millisecond)
	require.Equal(t, before, w.text(rows))
	w.verified(p)
}

func (w *world) text(query string) (s string) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), query).Scan(&s), fmt.Sprintf("%.60s…", query))
	return s
}
