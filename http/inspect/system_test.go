package inspect_test

import (
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// plantReport is a handler and relay of its own that reports something.
func (d *desk) plantReport(reports string) {
	d.Helper()
	d.SQL(`INSERT INTO processes (id, roles, version, host, pid, seen_at, reports)
		VALUES (gen_random_uuid(), '{relay,handler}', 'v2', 'there', 2, now() + interval '1 hour', $1::jsonb)`, reports)
}

func (d *desk) system() api.System {
	d.Helper()
	a := d.Get("/api/v1/system")
	require.Equal(d, 200, a.StatusCode, a.Text)
	return desktest.Decoded[api.System](a)
}

// What the system says of processes, breakers and River, and of the events that stand still.
func TestSystem(t *testing.T) {
	t.Parallel()
	d := setup(t)
	empty := d.Get("/api/v1/system")
	require.Contains(t, empty.Text,
		`"processes":[],"breaker":[{"name":"money","open":false,"text":""}],"river":{"leader":null,"paused_queues":[],"oldest":{}},"brake":[],"waiting_for":[]`)

	d.Process("relay", "handler", "jobs")
	e := d.PointEvent("a")
	d.Members(e.ID, 3)
	require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/start", "").StatusCode)
	sys := d.system()
	require.Empty(t, sys.WaitingFor)
	require.Equal(t, []string{"relay", "handler", "jobs"}, sys.Processes[0].Roles)
	require.Empty(t, sys.Processes[0].Reports)

	d.SQL(`UPDATE processes SET roles = '{handler}'`)
	d.SQL(`INSERT INTO river.river_queue (name, paused_at, created_at, updated_at) VALUES ('relay', now(), now(), now()), ('jobs', NULL, now(), now())`)
	d.SQL(`INSERT INTO river.river_leader (leader_id, elected_at, expires_at) VALUES ('somebody', now(), now() + interval '1 hour')`)
	d.plantReport(`[{"code": "", "topic": "grants.voucher", "age_ms": 1}, {"code": "ledger_away", "ledger": "money", "text": "no money", "age_ms": 0},
		{"code": "kafka_away", "topic": "grants.voucher.dlt", "event_type": "VOUCHER", "text": "long ago", "age_ms": 60000}]`)
	sys = d.system()
	require.Equal(t, []api.Report{{Code: "ledger_away", Text: "no money"}}, sys.Processes[1].Reports,
		"what is over is not told")
	require.Equal(t, []api.Ledger{{Name: "money", Open: true, Text: "no money"}}, sys.Breaker)
	require.Equal(t, "somebody", *sys.River.Leader)
	require.Equal(t, []string{"relay"}, sys.River.PausedQueues)
	require.Contains(t, sys.River.Oldest, "relay")
	d.SQL(`INSERT INTO brakes (scope, by, memo) VALUES ('type:VOUCHER', 'kim', 'a wrong list')`)
	sys = d.system()
	require.Equal(t, "type:VOUCHER", sys.Brake[0].Scope, "also where nothing stands still for it")
	require.Equal(t, "kim", sys.Brake[0].By)
	require.Equal(t, []api.Standing{{
		Code: "relay_queue_paused", Text: "blocked: the relay queue is paused in River UI",
		Events: []int64{e.ID},
	}}, sys.WaitingFor)
}

// The list says of each event of the page what it waits for, and of those that moved or ended nothing.
func TestListSaysWhatEventsWaitFor(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Process("handler")
	done, runs, due := d.PointEvent("done"), d.Reserved("runs", past, "1", 2), d.Reserved("due", past, "2", 2)
	later, empty := d.Reserved("later", future, "", 1), d.PointEvent("empty")
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, done.ID)
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	items := desktest.Decoded[api.Events](d.Get("/api/v1/events")).Items
	waits := map[int64][]string{}
	for _, e := range items {
		for _, r := range e.WaitingFor {
			waits[e.ID] = append(waits[e.ID], r.Code)
		}
	}
	require.Equal(t, map[int64][]string{
		runs: {"relay"}, due: {"lane_busy", "jobs"}, later: {"reserved"}, empty.ID: {"no_targets", "by_hand"},
	}, waits)
	d.SQL(`UPDATE campaign_event_summary SET published_count = 2, success_count = 1 WHERE event_id = $1`, runs)
	d.SQL(`DELETE FROM river.river_job`)
	d.SQL(`DELETE FROM processes`)
	p := desktest.Decoded[api.Progress](d.Get(desktest.EventURL(runs) + "/progress"))
	require.Equal(t, []api.Reason{{Code: "handler", Text: "no process with the role handler is running"}}, p.WaitingFor)
}

// An event that has stood still for the window of ten seconds has no rate, and one that waits has no end that is
// foretold.
func TestNoForecastWhileNothingMoves(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Process("relay", "handler", "jobs")
	e := d.PointEvent("a")
	d.Plant(e.ID)
	settled := func(ago string) api.Progress {
		d.SQL(`UPDATE grant_chunks SET settled_at = now() - $1::interval WHERE settled_at IS NOT NULL`, ago)
		return desktest.Decoded[api.Progress](d.Get(desktest.EventURL(e.ID) + "/progress"))
	}
	p := settled("9 s")
	require.InDelta(t, 40, p.RatePerS, 0.1)
	require.Positive(t, p.ETAS)
	d.SQL(`UPDATE processes SET roles = '{relay,jobs}'`)
	p = settled("9 s")
	require.InDelta(t, 40, p.RatePerS, 0.1, "the last ten seconds are what they were")
	require.Zero(t, p.ETAS, "and nothing follows from them")
	p = settled("10.1 s")
	require.Zero(t, p.RatePerS)
	require.Zero(t, p.ETAS)
	d.SQL(`UPDATE grant_chunks SET claimed_at = now() - interval '9 s', settled_at = NULL`)
	p = settled("0 s")
	require.InDelta(t, 44, p.RatePerS, 0.1, "chunks that wait for a retry of one member have settled the others")
}
