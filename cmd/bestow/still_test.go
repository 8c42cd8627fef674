package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/reports"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"

	"github.com/IBM/sarama"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// beats is the pause between two beats in these tests: so many times as long, and the reason is there.
const beats = 500 * time.Millisecond

// still is a world in which events stand still; it is looked at through an api process.
type still struct {
	*world
	api *daemon.Process
	log *lines
}

func newStill(t *testing.T) *still {
	t.Helper()
	w := newWorld(t)
	s := &still{world: w, log: newLines()}
	w.log = slog.New(s.log)
	s.api, _ = s.role(daemon.Overrides{}, daemon.RoleAPI)
	return s
}

// role starts a process in the roles.
func (s *still) role(with daemon.Overrides, roles ...string) (*daemon.Process, func()) {
	s.Helper()
	with.Beat = beats
	return s.start(s.Context(), with, roles...)
}

// waits requires that the event soon waits for exactly what is told by the codes, and returns the texts.
func (s *still) waits(e domain.Event, codes ...string) string {
	s.Helper()
	var p reports.Progress
	if !s.soon(func() bool {
		var err error
		p, err = s.api.App.Reports.Progress(s.Context(), e.ID)
		require.NoError(s, err)
		return slices.Equal(codesOf(p.WaitingFor), codes)
	}) {
		require.Equal(s, codes, codesOf(p.WaitingFor), "%+v", p)
	}
	if len(codes) > 0 {
		require.Zero(s, p.ETAS)
	}
	return textsOf(p.WaitingFor)
}

// soon waits for what takes two beats, and the time that two busy cores take.
func (s *still) soon(is func() bool) bool {
	s.Helper()
	return waitFor(s.Context(), 30*time.Second, is)
}

// waitFor asks again and again, and reports whether it became so in time.
func waitFor(ctx context.Context, long time.Duration, is func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

func codesOf(reasons []reports.Reason) []string {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return codes
}

func textsOf(reasons []reports.Reason) string {
	var texts []string
	for _, r := range reasons {
		texts = append(texts, r.Text)
	}
	return strings.Join(texts, "; ")
}

// C16: the roles come one by one, and an event that runs waits for exactly what is missing for it, and for nothing
// else.
func TestWaitsForTheRolesThatAreMissing(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	e := s.event(s.api, "POINT", 300)
	require.Equal(t, "it has no reserved time: a person starts it", s.waits(e, "by_hand"))
	s.run(s.api, e)
	require.Equal(t, "no process with the role relay is running", s.waits(e, "relay"))
	require.True(t, s.soon(func() bool {
		return strings.TrimSpace(s.ready(s.api)) ==
			`{"ok":true,"waiting_for":[{"code":"relay","text":"no process with the role relay is running"}]}`
	}), "told, and no fault of the api")

	_, stopRelay := s.role(daemon.Overrides{}, daemon.RoleRelay)
	require.Equal(t, "no process with the role handler is running", s.waits(e, "handler"), "all is published")
	// A relay that ends before River has noted that its job is done leaves the event waiting for a relay again.
	require.True(t, s.soon(func() bool {
		return s.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND state <> 'completed'`) == 0
	}))
	stopRelay()
	s.waits(e, "handler") // the relay has nothing left to do
	began := func(role string) int { return s.log.told("WARN events stand still cause=" + role) }
	ended := func(role string) int { return s.log.told("INFO events do not wait for it any more cause=" + role) }
	require.True(t, s.soon(func() bool { return began("handler") == 1 && ended("relay") == 1 }), "%s", s.log)
	require.Zero(t, ended("handler"))

	s.role(daemon.Overrides{}, daemon.RoleHandler)
	s.completed(s.api, e.ID)
	s.waits(e)
	require.True(t, s.soon(func() bool { return strings.TrimSpace(s.ready(s.api)) == `{"ok":true}` }), "%s",
		s.ready(s.api))
	require.True(t, s.soon(func() bool { return ended("handler") == 1 }), "%s", s.log)
	require.Equal(t, 1, began("relay"), "once for each: %s", s.log)
	require.Equal(t, 1, began("handler"), "once for each: %s", s.log)
}

// C16: a relay that was killed leaves a row that grows old, and is tidied away.
func TestAProcessThatWasKilledDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	e := s.event(s.api, "POINT", 20)
	s.run(s.api, e)
	s.exec(`INSERT INTO processes (id, roles, version, host, pid, seen_at)
		VALUES (gen_random_uuid(), '{relay}', 'v', 'h', 1, now()), (gen_random_uuid(), '{jobs}', 'v', 'h', 1, now() - interval '2 hours')`)
	s.waits(e)
	s.exec(`UPDATE processes SET seen_at = now() - interval '31 seconds' WHERE roles = '{relay}'`)
	s.waits(e, "relay")
	require.NoError(t, s.api.App.Processes.Tidy(t.Context()))
	require.Equal(t, 2, s.count(`SELECT count(*) FROM processes`),
		"the one that was killed a moment ago is still told of")
}

// C16: a process with a wrong clock has the role and does not work in it.
func TestWaitsForAClockThatIsOff(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	s.role(daemon.Overrides{Now: func() time.Time { return time.Now().Add(-9 * time.Second) }}, daemon.RoleRelay)
	e := s.event(s.api, "POINT", 20)
	s.run(s.api, e)
	require.Regexp(t,
		`^no process with the role relay is running: the one on .* does nothing, since this machine's clock is wrong: 9s behind`, s.waits(e, "relay"))
}

// C16: an event whose time has come needs the timetable; so does one that is done and was not closed.
func TestWaitsForTheTimetable(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	e := s.event(s.api, "POINT", 20)
	s.exec(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) + interval '1 hour' WHERE id = $1`,
		e.ID)
	s.waits(e, "reserved")
	s.exec(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) WHERE id = $1`, e.ID)
	s.waits(e, "jobs")
	other := s.event(s.api, "POINT", 20)
	s.exec(`UPDATE campaign_events SET reservation_at = (SELECT reservation_at FROM campaign_events WHERE id = $2) WHERE id = $1`, other.ID, e.ID)
	s.run(s.api, other)
	require.Contains(t, s.waits(e, "lane_busy", "jobs"), "reserved for the same second, runs")
	s.exec(`UPDATE campaign_event_summary SET published_count = 20, success_count = 20 WHERE event_id = $1`, other.ID)
	s.waits(other, "relay", "jobs") // its relay jobs are still there
}

// C21: a queue that is paused in River UI is said to be, and goes on when it is resumed.
func TestWaitsForAPausedQueue(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	require.True(t, s.soon(func() bool { return s.count(`SELECT count(*) FROM river.river_queue`) == 2 }))
	pause := func(name string) {
		require.NoError(t, s.api.River.QueuePause(t.Context(), name, &river.QueuePauseOpts{}))
	}
	pause("relay")
	e := s.event(s.api, "POINT", 300)
	s.run(s.api, e)
	require.Equal(t, "blocked: the relay queue is paused in River UI", s.waits(e, "relay_queue_paused"))
	require.True(t,
		s.soon(func() bool {
			return strings.Contains(s.ready(s.api), "blocked: the relay queue is paused in River UI")
		}))
	pause("*")
	due := s.event(s.api, "POINT", 20)
	s.exec(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) WHERE id = $1`, due.ID)
	require.Equal(t, "blocked: the jobs queue is paused in River UI", s.waits(due, "jobs_queue_paused"))
	s.waits(e, "relay_queue_paused")
	require.NoError(t, s.api.River.QueueResume(t.Context(), "*", &river.QueuePauseOpts{}))
	s.completed(s.api, e.ID)
	s.completed(s.api, due.ID)
	s.waits(e)
}

// A ledger that does not answer is named, by the one handler of two that has met it too; when it is back, nothing is
// said.
func TestWaitsForTheLedger(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	var ledger outage
	ledger.how.Store(refusing)
	s.role(ledger.overrides(), daemon.RoleHandler)
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleJobs)
	e := s.event(s.api, "POINT", 2_000)
	s.run(s.api, e)
	require.Contains(t, s.waits(e, "ledger_away"), "the ledger money does not answer: ")
	ledger.how.Store(present)
	s.completed(s.api, e.ID)
	s.waits(e)
}

// What is left was refused for now: it waits for its time, and says so.
func TestWaitsForTheTimeOfARetry(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	with := s.told(func(_ string, nth int) (domain.Verdict, bool) { return domain.RefusedForNow, nth > 1 })
	with.Limits = func(l *app.Limits) { l.Retry = domain.RetryPolicy{Limit: 2, Backoff: time.Hour} }
	s.role(with, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	e := s.event(s.api, "POINT", 20)
	s.run(s.api, e)
	require.Contains(t, s.waits(e, "retry"), "is tried again at 20")
}

// intruder is a consumer of another program in a group of ours: it is given partitions, and does nothing.
type intruder struct{ given chan int }

func (i *intruder) Setup(session sarama.ConsumerGroupSession) error {
	n := 0
	for _, partitions := range session.Claims() {
		n += len(partitions)
	}
	select {
	case i.given <- n:
	default:
	}
	return nil
}
func (*intruder) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (*intruder) ConsumeClaim(session sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	<-session.Context().Done()
	return nil
}

// intrude lets a foreign consumer take partitions of a topic, until the returned function is called.
func (s *still) intrude(group, topic string) (leave func()) {
	s.Helper()
	c := sarama.NewConfig()
	c.ClientID, c.Version = "kafka-ui", sarama.V2_8_0_0
	members, err := sarama.NewConsumerGroup(s.cfg.Brokers, group, c)
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(s.Context())
	i := &intruder{given: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := members.Consume(ctx, []string{topic}, i); err != nil {
				return
			}
		}
	}()
	require.Positive(s, <-i.given)
	return func() {
		cancel()
		require.NoError(s, members.Close())
		<-done
	}
}

// C2: a consumer of another program in the group takes messages and does nothing with them. The event says so when it
// has not moved for a while, and goes on when the consumer leaves.
func TestStalledByAForeignConsumer(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	topic := s.cfg.TopicPrefix + ".point"
	group := ""
	require.True(t, s.soon(func() bool {
		const query = `SELECT coalesce(max(c->>'group'), '') FROM processes, jsonb_array_elements(reports) r, jsonb_array_elements(r->'consumers') c
			WHERE right(c->>'group', length($1)) = $1`
		require.NoError(t, s.pool.QueryRow(t.Context(), query, topic).Scan(&group))
		return group != ""
	}))
	leave := s.intrude(group, topic)
	e := s.event(s.api, "POINT", 1000)
	s.run(s.api, e)
	require.True(t, s.soon(func() bool {
		return s.count(`SELECT count(*) FROM grant_chunks WHERE published_at IS NULL`) == 0 &&
			s.count(`SELECT count(*) FROM grant_chunks WHERE settled_at IS NULL AND claim_token IS NULL`) > 0
	}))
	text := ""
	require.True(t, s.soon(func() bool { // as if half a minute had passed
		s.exec(`UPDATE campaign_events SET updated_at = now() - interval '30 seconds'`)
		s.exec(`UPDATE campaign_event_summary SET updated_at = now() - interval '30 seconds'`)
		s.exec(`UPDATE processes SET started_at = now() - interval '1 hour'`)
		s.exec(`UPDATE grant_chunks SET published_at = now() - interval '30 seconds', claimed_at = claimed_at - interval '30 seconds',
			settled_at = settled_at - interval '30 seconds', updated_at = now() - interval '30 seconds'`)
		p, err := s.api.App.Reports.Progress(t.Context(), e.ID)
		require.NoError(t, err)
		text = textsOf(p.WaitingFor)
		return strings.Contains(text, "(client kafka-ui on ")
	}), "%s", text)
	require.Contains(t, text, "is in the group "+group+" and takes the partitions ")
	require.NotContains(t, text, "client bestow")
	require.True(t, s.soon(func() bool { return strings.Contains(s.ready(s.api), `"code":"stalled"`) }))
	leave()
	s.completed(s.api, e.ID)
	s.waits(e)
}
