package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/app/imports"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// The main job: two events, of points and of vouchers, run side by side and complete exactly.
func TestRoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	points, vouchers := w.event(p, "POINT", 5_000), w.event(p, "VOUCHER", 1_000)
	w.run(p, points)
	w.run(p, vouchers)
	w.exact(p, w.completed(p, points.ID))
	w.exact(p, w.completed(p, vouchers.ID))
	require.Equal(t, 5_000, w.count(`SELECT count(*) FROM money.point_member`))
	require.Equal(t, 1_000, w.count(`SELECT count(DISTINCT voucher_code) FROM voucher_results`))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state <> 'completed' AND kind = 'relay'`))
}

// An event grows by imports of any size while another one runs, and both stay exact (F37). With BESTOW_TEST_MILLION=1
// it grows by 1,000, a million and 1,000, the million in a partition of its own as always.
func TestImportsWhileAnotherEventRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sizes, running, own := []int{500, 4_000, 500}, 3_000, func(l *app.Limits) { l.OwnPartition = 2_000 }
	if os.Getenv("BESTOW_TEST_MILLION") != "" {
		sizes, running, own = []int{1_000, 1_000_000, 1_000}, 300_000, nil
		w.cfg.MessageTargets = 1000
	}
	p, _ := w.start(t.Context(), daemon.Overrides{Limits: own}, daemon.AllRoles...)
	other, e := w.event(p, "POINT", running), w.event(p, "POINT", sizes[0])
	w.run(p, other)
	for i, n := range sizes[1:] {
		body := strings.NewReader(strings.ReplaceAll(members(n), "m0", fmt.Sprintf("n%d", i)))
		_, err := p.App.Targets.Import(t.Context(), operator, e.ID, imports.Upload{Body: body, ContentType: "text/csv"})
		require.NoError(t, err)
	}
	w.run(p, e)
	w.exact(p, w.completed(p, other.ID))
	done := w.completed(p, e.ID)
	require.Equal(t, sizes[0]+sizes[1]+sizes[2], done.TotalCount)
	w.exact(p, done)
}

func members(n int) string {
	var b strings.Builder
	b.WriteString("member_id,amount\n")
	for i := range n {
		fmt.Fprintf(&b, "m%07d,100\n", i)
	}
	return b.String()
}

// Two relays and two handlers, each a process of its own, give the same result as one that does all.
func TestRolesInTheirOwnProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	for range 2 {
		w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleJobs)
		w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler, daemon.RoleMoney)
	}
	e := w.event(api, "POINT", 5_000)
	w.run(api, e)
	w.exact(api, w.completed(api, e.ID))
}

// Nothing writes to Kafka but the relay: without it, whatever is asked for leaves every topic as it was.
func TestOnlyTheRelayWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler, daemon.RoleJobs,
		daemon.RoleMoney)
	topics := []string{".point", ".point.dlt", ".voucher", ".voucher.dlt"}
	for _, topic := range topics { // rubbish, which handlers park
		kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic, 0, []byte("rubbish"))
	}
	before := w.endOffsets(topics)
	for _, kind := range []string{"POINT", "VOUCHER"} {
		e := w.event(p, kind, 500)
		w.run(p, e)
		_, err := p.App.Targets.Import(t.Context(), operator, e.ID,
			imports.Upload{Body: strings.NewReader("rubbish"), ContentType: "text/csv"})
		require.Error(t, err)
	}
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM parked_messages`) == len(topics) },
		time.Minute, 50*time.Millisecond)
	require.Equal(t, 8, w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND state = 'available'`),
		"the jobs wait for a relay")
	require.Equal(t, before, w.endOffsets(topics))
}

func (w *world) endOffsets(topics []string) map[string]map[int32]int64 {
	w.Helper()
	offsets := map[string]map[int32]int64{}
	for _, topic := range topics {
		offsets[topic] = kafkatest.EndOffsets(w, w.cfg.Brokers, w.cfg.TopicPrefix+topic)
	}
	return offsets
}

// stuck is a ledger that does not answer for one partition of an event until it is let go.
type stuck struct {
	grants.Granter
	partition int
	release   chan struct{}
	held      atomic.Int32
}

func (s *stuck) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	if domain.PartitionKey(e.ID, batch[0].MemberID, e.Partitions) == s.partition {
		s.held.Add(1)
		select {
		case <-s.release:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", grants.ErrNotApplied, ctx.Err())
		}
	}
	return s.Granter.Grant(ctx, e, deadline, batch)
}

// With the handler of partition 0 blocked, partitions 1 to 3 of the event complete.
func TestABlockedPartitionBlocksNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ledger := &stuck{partition: 0, release: make(chan struct{})}
	p, _ := w.start(t.Context(),
		daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { ledger.Granter = g; return ledger }},
		daemon.AllRoles...)
	e := w.event(p, "POINT", 2_000)
	w.run(p, e)
	others := w.count(`SELECT count(*) FROM point_targets WHERE event_id = $1 AND partition_key <> 0`, e.ID)
	require.Eventually(t, func() bool {
		return ledger.held.Load() > 0 &&
			w.count(`SELECT count(*) FROM point_results WHERE event_id = $1`, e.ID) == others
	}, time.Minute, 20*time.Millisecond)
	require.Zero(t,
		w.count(`SELECT count(*) FROM point_results r JOIN point_targets t USING (event_id, member_id) WHERE t.partition_key = 0`))
	close(ledger.release)
	w.exact(p, w.completed(p, e.ID))
}

// What nobody can use is parked with its cause, whatever is right in a message is granted, and the offset moves.
func TestRubbishInEveryTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler, daemon.RoleJobs)
	e := w.event(p, "POINT", 150)
	w.run(p, e)
	relay := w.capture(e) // what the relay would write: two chunks or more, altered below
	topic := w.cfg.TopicPrefix + ".point"
	send := func(suffix string, body string) { kafkatest.Produce(t, w.cfg.Brokers, topic+suffix, 0, []byte(body)) }
	amount := strings.Replace(relay[0], `"amount":`, `"amount":1`, 1)
	stranger := strings.Replace(relay[0], `"member_id":"m0`, `"member_id":"A0`, 1)
	for _, suffix := range []string{"", ".dlt"} {
		for _, body := range []string{
			"", "null", "hello", "\x00\xff", `{"type":"bestow.grants.v1"}`,
			`{"type":"bestow.grants.v2","data":7}`,
		} {
			send(suffix, body)
		}
	}
	send("", amount)
	send("", stranger)
	kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+".voucher", 0, []byte(relay[0])) // the wrong topic
	for range 20 {
		send("", relay[1]) // a good one, again and again
	}
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM parked_messages`) == 12+3 }, time.Minute,
		50*time.Millisecond)
	require.Equal(t, 2, w.count(`SELECT count(*) FROM parked_messages WHERE cause = 'newer_version'`))
	require.Equal(t, 10, w.count(`SELECT count(*) FROM parked_messages WHERE cause = 'undecodable'`))
	require.Equal(t, 3, w.count(`SELECT count(*) FROM parked_messages WHERE cause = 'foreign'`))
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay) // and now the true road
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 150, w.count(`SELECT count(*) FROM money.point_member`))
}

// capture is the messages that a relay writes for the event, from a relay of a world of its own topics.
func (w *world) capture(e domain.Event) []string {
	w.Helper()
	var bodies []string
	rows, err := w.pool.Query(w.Context(), `SELECT c.partition_key, c.first_id, c.last_id,
			json_agg(json_build_object('target_id', t.id, 'member_id', t.member_id, 'amount', t.amount, 'reason', 'spring', 'try', 0) ORDER BY t.id)::text
		FROM grant_chunks c JOIN point_targets t ON t.event_id = c.event_id AND t.id BETWEEN c.first_id AND c.last_id
		WHERE c.event_id = $1 GROUP BY 1, 2, 3 ORDER BY 2`, e.ID)
	require.NoError(w, err)
	defer rows.Close()
	for rows.Next() {
		var key int
		var first, last int64
		var batch string
		require.NoError(w, rows.Scan(&key, &first, &last, &batch))
		batch = strings.NewReplacer(`" : `, `":`).Replace(batch)
		bodies = append(bodies,
			fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"/bestow/%s","type":"bestow.grants.v1","time":"2026-11-21T00:00:00Z",
			"data":{"event_id":%d,"event_type":"POINT","chunk":{"partition_key":%d,"first_id":%d,"last_id":%d},"grants":%s}}`, w.installation(), e.ID, key, first, last, batch))
	}
	require.NoError(w, rows.Err())
	require.Greater(w, len(bodies), 1)
	return bodies
}

// Many small events that end at the same time all complete: nobody waits for somebody else to close (F24), and nothing
// deadlocks (F26). BESTOW_TEST_RACES says how many; else 40.
func TestManyEventsComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler)
	events := pgtest.Times(t, "BESTOW_TEST_RACES", 40)
	var ids []int64
	for range events {
		e := w.event(p, "POINT", 250)
		ids = append(ids, e.ID)
	}
	for _, id := range ids {
		w.run(p, domain.Event{ID: id})
	}
	for _, id := range ids {
		w.completed(p, id)
	}
	w.verified(p)
	require.Zero(t, w.count(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`))
	require.Equal(t, events*250, w.count(`SELECT count(*) FROM money.point_member`))
}
