//go:build failpoint

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/grants"
	"bestow/app/imports"
	"bestow/app/patch"
	"bestow/app/types"
	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/kafkatest"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// mood says how the ledger takes what is asked for an event.
type mood func(ctx context.Context, e domain.Event, deadline time.Time, batch []domain.Grant) ([]domain.Outcome, error)

// walk goes all roads of the product, as a role that owns nothing, in a world where each point kills at its first
// passage.
type walk struct {
	*world
	grants.Granter // the true ledger

	p    *daemon.Process
	ctx  context.Context
	mu   sync.Mutex
	hits map[string]int
	mind map[int64]mood
	lost map[int64]bool // events whose messages get lost on their way
	held chan struct{}  // relays wait for it before they mark
	made int
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	k := &walk{world: newWorld(t), hits: map[string]int{}, mind: map[int64]mood{}, lost: map[int64]bool{}}
	_, k.cfg.DatabaseURL = k.serviceRole()
	k.ctx = failpoint.With(t.Context(), k.pass)
	k.p, _ = k.start(k.ctx, daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { k.Granter = g; return k },
		Handler: k.losing,
		Limits: func(l *app.Limits) {
			l.OwnPartition = 250
			l.Retry = domain.RetryPolicy{Limit: 2, Backoff: 100 * time.Millisecond}
		},
	}, daemon.AllRoles...)
	return k
}

// pass kills at the first passage of a point.
func (k *walk) pass(point string) error {
	k.mu.Lock()
	k.hits[point]++
	dies, held := k.hits[point] == 1, k.held
	if point == failpoint.RelayBetween { // there Kafka takes no more, often enough that one such job comes to its mark
		dies = k.hits[point] <= 8
	}
	k.mu.Unlock()
	if point == failpoint.RelayAfterAck && held != nil {
		<-held
	}
	if dies {
		return fmt.Errorf("%w: %s", errKilled, point)
	}
	return nil
}

func (k *walk) hold(c chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = c
}

// minded sets the ledger's mood for events, nil for its true one.
func (k *walk) minded(m mood, events ...int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range events {
		k.mind[id] = m
	}
}

// Grant implements app.Granter.
func (k *walk) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	k.mu.Lock()
	m := k.mind[e.ID]
	k.mu.Unlock()
	if m == nil {
		m = k.Granter.Grant
	}
	return m(ctx, e, deadline, batch)
}

func (k *walk) loses(lost bool, event int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost[event] = lost
}

// losing is a Kafka that loses what it has acknowledged.
func (k *walk) losing(next outbox.Handler) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		k.mu.Lock()
		lost := k.lost[m.Chunk.EventID]
		k.mu.Unlock()
		if lost {
			return nil
		}
		return next(ctx, m)
	}
}

// do takes a step of an operator, who asks again under the same key until it is answered.
func (k *walk) do(step func(command.Caller) error) {
	k.Helper()
	k.made++
	for {
		key := fmt.Sprint("step ", k.made)
		err := step(command.Caller{Actor: "walk", Once: &command.Once{Key: key, Fingerprint: []byte(key)}})
		if !errors.Is(err, errKilled) {
			require.NoError(k, err)
			return
		}
	}
}

func (k *walk) event(kind string, n int) (id int64) {
	k.Helper()
	amount := int64(500)
	k.do(func(by command.Caller) error {
		e, err := k.p.App.Events.Create(k.ctx, by,
			app.NewEvent{CampaignID: fmt.Sprint("walk-", k.made), EventType: kind, DefaultAmount: &amount})
		id = e.Value.ID
		return err
	})
	k.do(func(by command.Caller) error {
		_, err := k.p.App.Targets.Import(k.ctx, by, id,
			imports.Upload{Body: strings.NewReader(members(n)), ContentType: "text/csv"})
		return err
	})
	return id
}

func (k *walk) begin(events ...int64) {
	k.Helper()
	for _, id := range events {
		k.do(func(by command.Caller) error { _, _, err := k.p.App.Events.Start(k.ctx, by, id); return err })
	}
}

func (k *walk) resume(events ...int64) {
	k.Helper()
	for _, id := range events {
		k.do(func(by command.Caller) error { _, _, err := k.p.App.Events.Resume(k.ctx, by, id); return err })
	}
}

// until waits for an event's status.
func (k *walk) until(want domain.Status, events ...int64) {
	k.Helper()
	for _, id := range events {
		var e domain.Event
		require.Eventually(k, func() bool {
			k.do(func(command.Caller) error { return k.p.App.Events.StartDue(k.ctx) })
			k.do(func(command.Caller) error { return k.p.App.Events.CloseDone(k.ctx) })
			var err error
			e, err = k.p.App.Events.Get(k.ctx, id)
			return err == nil && e.Status == want
		}, time.Minute, 50*time.Millisecond, "event %d is to be %s: %+v", id, want, &e)
	}
}

// eventually waits until a query gives n.
func (k *walk) eventually(n int, query string, args ...any) {
	k.Helper()
	require.Eventually(k, func() bool { return k.count(query, args...) == n }, time.Minute, 50*time.Millisecond, query)
}

// Every road is gone, and at each point of the list somebody dies, once; whoever does such steps again does it again.
// In the end every member is where the policy says, granted once and counted once. A point that no road passes tests
// nothing: it has no place in the list.
func TestKilledOnceAtEveryPoint(t *testing.T) {
	t.Parallel()
	k := newWalk(t)
	k.walkTheDesk()
	k.walkTheTypes()
	k.walkTheRoad()
	k.walkRefusals()
	k.walkStops()
	k.walkTrouble()
	k.walkTheNets()
	k.walkParked()
	k.verified(k.p)
	k.eventually(0, `SELECT count(*) FROM campaign_events WHERE event_status <> 'COMPLETED'`)
	require.Equal(t, k.count(`SELECT sum(total_count) FROM campaign_events`),
		k.count(`SELECT (SELECT count(*) FROM money.point_member) + (SELECT count(*) FROM money.vouchers)`))
	k.walkTheLedger()
	k.verified(k.p)
	require.Empty(t, k.missed(), "nobody passed these points")
}

// missed is the points that nobody has passed.
func (k *walk) missed() (points []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, point := range failpoint.All() {
		if k.hits[point] == 0 {
			points = append(points, point)
		}
	}
	return points
}

// An event is made, filled, edited and deleted.
func (k *walk) walkTheDesk() {
	k.Helper()
	id := k.event("POINT", 300)
	any := func(domain.Event) error { return nil }
	change := app.EventPatch{CampaignID: patch.SetTo("edited")}
	k.do(func(by command.Caller) error { _, err := k.p.App.Events.Edit(k.ctx, by, id, change, any); return err })
	k.do(func(by command.Caller) error { _, err := k.p.App.Events.Delete(k.ctx, by, id, any); return err })
	require.Eventually(k, func() bool {
		k.do(func(command.Caller) error { return k.p.App.Events.Tidy(k.ctx) })
		return k.count(`SELECT count(*) FROM pg_class WHERE relname = $1`, fmt.Sprint("point_targets_", id)) == 0
	}, time.Minute, 50*time.Millisecond)
}

// An event type is made; the walk may have died in any of its steps.
func (k *walk) walkTheTypes() {
	k.Helper()
	n := types.NewType{Code: "COUPON", Label: "Coupons", Granter: domain.OurGranter, Operation: domain.Points}
	k.do(func(by command.Caller) error { _, err := k.p.App.Types.Create(k.ctx, by, n); return err })
	k.eventually(1, `SELECT count(*) FROM event_types WHERE code = 'COUPON' AND state = 'READY'`)
}

// Points and vouchers are granted, by hand and at a reserved time; a counter that is wrong is put right.
func (k *walk) walkTheRoad() {
	k.Helper()
	points, vouchers, reserved := k.event("POINT", 800), k.event("VOUCHER", 200), k.event("POINT", 50)
	k.comes(time.Now().Add(2*time.Second).Truncate(time.Second), reserved)
	k.begin(points, vouchers)
	k.until(domain.Completed, points, vouchers, reserved)
	k.exec(`UPDATE campaign_event_summary SET published_count = published_count - 1 WHERE event_id = $1`, points)
	k.do(func(command.Caller) error { _, err := k.p.App.Verify.Repair(k.ctx, verify.Query{}); return err })
}

// Refused, lost and given up; then a person asks again, and that is lost too.
func (k *walk) walkRefusals() {
	k.Helper()
	id := k.event("POINT", 200)
	k.minded((&verdicts{
		Granter: k.Granter,
		asked:   map[string]int{}, say: func(m string, nth int) (domain.Verdict, bool) {
			switch {
			case digit(m) == '2', digit(m) == '5' && nth == 1:
				return domain.RefusedForNow, false
			case digit(m) == '3':
				return domain.RefusedForGood, false
			case digit(m) == '4' && nth == 1: // applied, and nobody heard
				return domain.Unknown, true
			}
			return domain.Granted, true
		},
	}).Grant, id)
	k.begin(id)
	k.until(domain.Completed, id)
	require.Equal(k, 40, k.count(`SELECT fail_count FROM campaign_event_summary WHERE event_id = $1`, id))
	k.minded((&verdicts{
		Granter: k.Granter,
		asked:   map[string]int{}, say: func(m string, nth int) (domain.Verdict, bool) {
			if digit(m) == '3' && nth == 1 {
				return domain.Unknown, true
			}
			return domain.Granted, true
		},
	}).Grant, id)
	k.do(func(by command.Caller) error { _, err := k.p.App.Events.Retry(k.ctx, by, id, "", false); return err })
	k.eventually(200, `SELECT success_count FROM campaign_event_summary WHERE event_id = $1`, id)
}

// The process dies between the ledger's commit and the settling, while its relay has not marked yet; both events are
// stopped, what was granted is looked up, and they are resumed.
func (k *walk) walkStops() {
	k.Helper()
	one, two := k.event("POINT", 200), k.event("POINT", 100)
	k.minded(func(ctx context.Context, e domain.Event, deadline time.Time,
		batch []domain.Grant,
	) ([]domain.Outcome, error) {
		_, err := k.Granter.Grant(ctx, e, deadline, batch)
		panic(fmt.Sprint("killed after the ledger: ", err)) //nolint:forbidigo // stands for the death of the process
	}, one, two)
	marks := make(chan struct{})
	k.hold(marks)
	k.begin(one, two)
	granted := func() int {
		return k.count(`SELECT count(*) FROM money.point_member WHERE ref_unique_id = $1`, fmt.Sprint(one))
	}
	require.Eventually(k, func() bool { return granted() > 0 }, time.Minute, 20*time.Millisecond)
	k.do(func(by command.Caller) error { _, err := k.p.App.Events.Stop(k.ctx, by, one, "walk"); return err })
	k.do(func(by command.Caller) error {
		_, err := k.p.App.Events.Brake(k.ctx, by, domain.BrakeAll, "walk")
		return err
	})
	k.hold(nil)
	close(marks)
	k.eventually(granted(), `SELECT success_count FROM campaign_event_summary WHERE event_id = $1`, one)
	k.minded(nil, one, two)
	k.do(func(by command.Caller) error {
		_, err := k.p.App.Events.ReleaseBrake(k.ctx, by, domain.BrakeAll, "walk")
		return err
	})
	k.resume(one, two)
	k.until(domain.Completed, one, two)
}

// A message that nobody can use is parked, replayed, and parked again.
func (k *walk) walkParked() {
	k.Helper()
	kafkatest.Produce(k, k.cfg.Brokers, k.cfg.TopicPrefix+".point", 0, []byte("rubbish"))
	k.parked("true", 1)
	id := int64(k.count(`SELECT id FROM parked_messages`))
	k.do(func(by command.Caller) error { _, err := k.p.App.Parked.Replay(k.ctx, by, id); return err })
	k.eventually(1, `SELECT count(*) FROM river.river_job WHERE kind = 'replay' AND state = 'completed'`)
	k.parked("replayed_at IS NULL", 1)
	k.eventually(1, `SELECT count(*) FROM parked_messages`)
}
