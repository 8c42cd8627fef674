package inspect_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// A lane that is due and one that is not: who is next, since when, and what each waits for.
func TestQueueSaysWhenAndWhy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Process("relay", "handler", "jobs")
	require.Empty(t, d.Queue().Lanes)
	d.PointEvent("by hand")
	late := d.Reserved("late", future, "1", 3)
	behind := d.Reserved("behind", future, "2", 3)
	last := d.Reserved("last", past, "", 3)
	empty := d.Reserved("empty", past, "0", 0)
	first := d.Reserved("first", past, "1", 20)
	second := d.Reserved("second", past, "2", 30)

	q := d.Queue()
	require.WithinDuration(t, time.Now(), q.At, time.Minute)
	require.Len(t, q.Lanes, 2)
	due, waiting := q.Lanes[0], q.Lanes[1]
	require.True(t, due.Due)
	require.False(t, due.Busy)
	require.Equal(t, []int64{empty, first, second, last}, desktest.IDs(due))
	require.Equal(t, []string{"missed", "", "lane_busy", "lane_busy"}, desktest.Reasons(due))
	require.Nil(t, due.Events[0].ExpectedStartAt)
	require.Equal(t, q.At, *due.Events[1].ExpectedStartAt, "the next of a free lane starts now")
	require.Nil(t, due.Events[2].ExpectedStartAt, "nothing runs, so nobody knows how fast")
	require.False(t, waiting.Due)
	require.Equal(t, []int64{late, behind}, desktest.IDs(waiting))
	require.Equal(t, future, waiting.Events[0].ExpectedStartAt.Format(time.RFC3339))
	require.Nil(t, waiting.Events[1].ExpectedStartAt)

	require.NoError(t, d.App.Events.StartDue(t.Context()))
	due = d.Queue().Lanes[0]
	require.True(t, due.Busy)
	require.Equal(t, []int64{first, empty, second, last}, desktest.IDs(due), "what runs stands first")
	require.NotNil(t, due.Events[0].StartedAt)
	require.Nil(t, due.Events[2].ExpectedStartAt, "what runs stands still")

	// All that the first has in chunks was settled within the ten seconds; by its counters ten are to go.
	d.SQL(`UPDATE grant_chunks SET settled_at = now(), settled_count = target_count WHERE event_id = $1`, first)
	d.SQL(`UPDATE campaign_event_summary SET success_count = 10, started_at = now() - interval '20 seconds' WHERE event_id = $1`, first)
	q = d.Queue()
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
	d.Process("relay", "handler", "jobs")
	early := d.Reserved("early", future, "2", 4)
	d.Reserved("next", future, "1", 4)
	require.Equal(t, 202, d.Post(desktest.EventURL(early)+"/start", "").StatusCode)
	d.SQL(`UPDATE grant_chunks SET settled_at = now(), settled_count = target_count WHERE event_id = $1`, early)
	lane := d.Queue().Lanes[0]
	require.True(t, lane.Busy)
	require.False(t, lane.Due)
	require.Equal(t, early, lane.Events[0].ID)
	require.Equal(t, future, lane.Events[1].ExpectedStartAt.Format(time.RFC3339))
}

// What an upload is at work on does not start; a voucher event without a master key does not either.
func TestQueueSaysWhatCannotStart(t *testing.T) {
	t.Parallel()
	d := setup(t)
	importing := d.Reserved("importing", past, "1", 2)
	voucher := d.Created(`{"campaign_id": "v", "event_type": "VOUCHER", "default_amount": 5}`)
	d.Members(voucher.ID, 1)
	d.Due(voucher.ID)
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1::bigint << 3 | 1)`, importing)
	require.NoError(t, err)
	require.Equal(t, []string{"import_running", ""}, desktest.Reasons(d.Queue().Lanes[0]))
	keyless := d.Serve(desktest.NewApp(t, d.Pool, nil))
	q := desktest.Decoded[api.Queue](d.DoAt(keyless, "GET", "/api/v1/queue", ""))
	require.Equal(t, []string{"import_running", "missing_keys"}, desktest.Reasons(q.Lanes[0]))
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
		d.Reserved("c"+strconv.Itoa(i), past, priority, 1)
	}
	shown := desktest.IDs(d.Queue().Lanes[0])
	require.Len(t, shown, 12)
	for _, id := range shown {
		require.NoError(t, d.App.Events.StartDue(t.Context()))
		lane := d.Queue().Lanes[0]
		require.True(t, lane.Busy)
		require.Equal(t, id, lane.Events[0].ID)
		d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, id)
	}
	require.Empty(t, d.Queue().Lanes)
}

// A lane that becomes free while somebody goes through what is due is taken by its first event, not by the one that he
// has come to meanwhile.
func TestNobodyOvertakesInALane(t *testing.T) {
	t.Parallel()
	d := setup(t)
	runs := d.Reserved("runs", past, "1", 1)
	d.Reserved("next", past, "2", 1)
	last := d.Reserved("last", past, "3", 1)
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	gate, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(t.Context()) }()
	_, err = gate.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1::bigint << 3)`, last)
	require.NoError(t, err)
	looked := make(chan error, 1)
	go func() { looked <- d.App.Events.StartDue(t.Context()) }()
	require.Eventually(t, func() bool { // it has met the busy lane, and is done or at the gate
		select {
		case err := <-looked:
			looked <- err
			return true
		default:
			return d.Count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) > 0
		}
	}, 10*time.Second, 5*time.Millisecond)
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, runs)
	require.NoError(t, gate.Rollback(t.Context()))
	require.NoError(t, <-looked)
	require.Equal(t, "PENDING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(last))).EventStatus)
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "next", d.Queue().Lanes[0].Events[0].CampaignID)
}
