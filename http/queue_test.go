package http

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// reserved makes an event of a lane with n targets, which it has before a moment of the past comes; priority "" for
// none.
func (d *desk) reserved(campaign, at, priority string, n int) int64 {
	d.Helper()
	if priority != "" {
		priority = `, "reservation_priority": ` + priority
	}
	e := d.created(
		fmt.Sprintf(`{"campaign_id": %q, "event_type": "POINT", "default_amount": 5, "reservation_at": %q%s}`, campaign,
			future, priority))
	if n > 0 {
		d.members(e.ID, n)
	}
	d.sql(`UPDATE campaign_events SET reservation_at = $2 WHERE id = $1`, e.ID, at)
	return e.ID
}

// members imports a list of n members.
func (d *desk) members(id int64, n int) {
	d.Helper()
	list := "member_id\n"
	for i := range n {
		list += "m" + strconv.Itoa(i) + "\n"
	}
	a := d.post(eventURL(id)+"/targets", list, "Content-Type: text/csv")
	require.Equal(d, 201, a.StatusCode, a.body)
}

func (d *desk) queue() api.Queue {
	d.Helper()
	a := d.get("/api/v1/queue")
	require.Equal(d, 200, a.StatusCode, a.body)
	return decoded[api.Queue](a)
}

func waitsFor(q api.Queued) string {
	if q.WaitsFor == nil {
		return ""
	}
	return *q.WaitsFor
}

const (
	past   = "2020-01-01T00:00:00Z"
	future = "2999-01-01T00:00:00Z"
)

// A lane that is due and one that is not: who is next, since when, and what each waits for.
func TestQueueSaysWhenAndWhy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.process("relay", "handler", "jobs")
	require.Empty(t, d.queue().Lanes)
	d.pointEvent("by hand")
	late := d.reserved("late", future, "1", 3)
	behind := d.reserved("behind", future, "2", 3)
	last := d.reserved("last", past, "", 3)
	empty := d.reserved("empty", past, "0", 0)
	first := d.reserved("first", past, "1", 20)
	second := d.reserved("second", past, "2", 30)

	q := d.queue()
	require.WithinDuration(t, time.Now(), q.At, time.Minute)
	require.Len(t, q.Lanes, 2)
	due, waiting := q.Lanes[0], q.Lanes[1]
	require.True(t, due.Due)
	require.False(t, due.Busy)
	require.Equal(t, []int64{empty, first, second, last}, ids(due))
	require.Equal(t, []string{"missed", "", "lane_busy", "lane_busy"}, reasons(due))
	require.Nil(t, due.Events[0].ExpectedStartAt)
	require.Equal(t, q.At, *due.Events[1].ExpectedStartAt, "the next of a free lane starts now")
	require.Nil(t, due.Events[2].ExpectedStartAt, "nothing runs, so nobody knows how fast")
	require.False(t, waiting.Due)
	require.Equal(t, []int64{late, behind}, ids(waiting))
	require.Equal(t, future, waiting.Events[0].ExpectedStartAt.Format(time.RFC3339))
	require.Nil(t, waiting.Events[1].ExpectedStartAt)

	require.NoError(t, d.app.Events.StartDue(t.Context()))
	due = d.queue().Lanes[0]
	require.True(t, due.Busy)
	require.Equal(t, []int64{first, empty, second, last}, ids(due), "what runs stands first")
	require.NotNil(t, due.Events[0].StartedAt)
	require.Nil(t, due.Events[2].ExpectedStartAt, "what runs stands still")

	// All that the first has in chunks was settled within the ten seconds; by its counters ten are to go.
	d.sql(`UPDATE grant_chunks SET settled_at = now(), settled_count = target_count WHERE event_id = $1`, first)
	d.sql(`UPDATE campaign_event_summary SET success_count = 10, started_at = now() - interval '20 seconds' WHERE event_id = $1`, first)
	q = d.queue()
	due = q.Lanes[0]
	require.InDelta(t, 2, due.Events[0].RatePerS, 0.2, "twenty in the window of ten seconds")
	require.Equal(t, int64(5), due.Events[0].ETAS)
	require.Equal(t, 10, due.Events[0].Settled)
	require.InDelta(t, 5, due.Events[2].ExpectedStartAt.Sub(q.At).Seconds(), 1)
	require.InDelta(t, 5+15, due.Events[3].ExpectedStartAt.Sub(q.At).Seconds(), 1)
}

// An event that was started by hand, before its time, keeps its lane busy; those behind it still wait for their time.
func TestQueueOfALaneStartedEarly(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.process("relay", "handler", "jobs")
	early := d.reserved("early", future, "2", 4)
	d.reserved("next", future, "1", 4)
	require.Equal(t, 202, d.post(eventURL(early)+"/start", "").StatusCode)
	d.sql(`UPDATE grant_chunks SET settled_at = now() WHERE event_id = $1`, early)
	lane := d.queue().Lanes[0]
	require.True(t, lane.Busy)
	require.False(t, lane.Due)
	require.Equal(t, early, lane.Events[0].ID)
	require.Equal(t, future, lane.Events[1].ExpectedStartAt.Format(time.RFC3339))
}

// What an upload is at work on does not start; a voucher event without a master key does not either.
func TestQueueSaysWhatCannotStart(t *testing.T) {
	t.Parallel()
	d := setup(t)
	importing := d.reserved("importing", past, "1", 2)
	voucher := d.created(`{"campaign_id": "v", "event_type": "VOUCHER", "default_amount": 5}`)
	d.members(voucher.ID, 1)
	d.due(voucher.ID)
	tx, err := d.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1::bigint << 3 | 1)`, importing)
	require.NoError(t, err)
	require.Equal(t, []string{"import_running", ""}, reasons(d.queue().Lanes[0]))
	keyless := d.serve(Config{App: newApp(t, d.pool, nil), AdminKey: testKey})
	q := decoded[api.Queue](d.doAt(keyless, call{"GET", "/api/v1/queue", "", nil}))
	require.Equal(t, []string{"import_running", "missing_keys"}, reasons(q.Lanes[0]))
}

// The order shown is the order in which the events then run, whatever their priorities and ids.
func TestQueueOrderIsTheOneTheyRunIn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for i := range 12 {
		priority := ""
		if p := rand.IntN(5); p > 0 {
			priority = strconv.Itoa(p - 2)
		}
		d.reserved("c"+strconv.Itoa(i), past, priority, 1)
	}
	shown := ids(d.queue().Lanes[0])
	require.Len(t, shown, 12)
	for _, id := range shown {
		require.NoError(t, d.app.Events.StartDue(t.Context()))
		lane := d.queue().Lanes[0]
		require.True(t, lane.Busy)
		require.Equal(t, id, lane.Events[0].ID)
		d.sql(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, id)
	}
	require.Empty(t, d.queue().Lanes)
}

// A lane that becomes free while somebody goes through what is due is taken by its first event, not by the one that he
// has come to meanwhile.
func TestNobodyOvertakesInALane(t *testing.T) {
	t.Parallel()
	d := setup(t)
	runs := d.reserved("runs", past, "1", 1)
	d.reserved("next", past, "2", 1)
	last := d.reserved("last", past, "3", 1)
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	gate, err := d.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(t.Context()) }()
	_, err = gate.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1::bigint << 3)`, last)
	require.NoError(t, err)
	looked := make(chan error, 1)
	go func() { looked <- d.app.Events.StartDue(t.Context()) }()
	require.Eventually(t, func() bool { // it has met the busy lane, and is done or at the gate
		select {
		case err := <-looked:
			looked <- err
			return true
		default:
			return d.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) > 0
		}
	}, 10*time.Second, 5*time.Millisecond)
	d.sql(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, runs)
	require.NoError(t, gate.Rollback(t.Context()))
	require.NoError(t, <-looked)
	require.Equal(t, "PENDING", decoded[api.Event](d.get(eventURL(last))).EventStatus)
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	require.Equal(t, "next", d.queue().Lanes[0].Events[0].CampaignID)
}

func ids(l api.Lane) (all []int64) {
	for _, e := range l.Events {
		all = append(all, e.ID)
	}
	return all
}

func reasons(l api.Lane) (all []string) {
	for _, e := range l.Events {
		all = append(all, waitsFor(e))
	}
	return all
}
