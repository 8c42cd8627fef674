package http

import (
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// held keeps rows or a table locked in a session of another program, until the returned function is called.
func (d *desk) held(lock string, args ...any) (free func()) {
	d.Helper()
	conn, err := pgx.Connect(d.Context(), d.Pool.Config().ConnString())
	require.NoError(d, err)
	_, err = conn.Exec(d.Context(), `SET application_name = 'psql'`)
	require.NoError(d, err)
	tx, err := conn.Begin(d.Context())
	require.NoError(d, err)
	_, err = tx.Exec(d.Context(), lock, args...)
	require.NoError(d, err)
	return func() { require.NoError(d, conn.Close(d.Context())) }
}

const summaryRow = `SELECT FROM campaign_event_summary WHERE event_id = $1 FOR UPDATE`

// C7: a session that keeps the row of a running event's summary lets a stop and a brake answer all the same, with what
// is certain and whose lock it is. The other events of the brake are stopped; when the row is free, both answer as
// ever.
func TestStopOfALockedEvent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	locked, other := d.Running("locked"), d.Running("other")
	free := d.held(summaryRow, locked.ID)
	began := time.Now()
	for _, order := range []struct{ url, body, want string }{
		{desktest.EventURL(locked.ID) + "/stop", `{` + why + `}`, "the stop is not recorded, and the event goes on: "},
		{brakeURL, `{"scope": "all", ` + why + `}`, "the brake is engaged, and no new claim begins in its scope, but not all is done: stop event "},
		{desktest.EventURL(locked.ID) + "/stop", `{` + why + `}`, "the stop is not recorded"},
	} {
		a := d.Post(order.url, order.body)
		p := a.Refused(503, "unavailable")
		require.Contains(t, p.Detail, order.want)
		require.Regexp(t,
			`it is held by session \d+ of PostgreSQL \(psql, user .*, with locks on campaign_event_summary: `+
				`end that transaction, or run SELECT pg_terminate_backend\(\d+\)`, p.Detail)
		require.Equal(t, "5", a.Header.Get("Retry-After"))
	}
	require.Less(t, time.Since(began), 40*time.Second)
	require.True(t, desktest.Decoded[api.Brakes](d.Get(brakeURL)).Engaged)
	require.Equal(t, "RUNNING", d.Status(locked))
	require.Equal(t, "STOPPED", d.Status(other), "it is not locked")
	free()
	require.Equal(t, 200, d.Post(brakeURL, `{"scope": "all", `+why+`}`).StatusCode)
	require.Equal(t, "STOPPED", d.Status(locked))
}

// A stop that is recorded says so, also where a lock keeps it from counting the claims that are open.
func TestStopWhoseClaimsAreLocked(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Running("a")
	free := d.held(`LOCK TABLE grant_chunks IN ACCESS EXCLUSIVE MODE`)
	p := d.Post(desktest.EventURL(e.ID)+"/stop", `{`+why+`}`).Refused(503, "unavailable")
	require.Contains(t, p.Detail, "the event is stopped, and none of its grants begins, but how many claims are open is not known")
	require.Equal(t, "STOPPED", d.Status(e))
	free()
	require.Equal(t, 200, d.Post(desktest.EventURL(e.ID)+"/stop", `{`+why+`}`).StatusCode)
}

// A list that a lock keeps from being read says whose lock it is, and soon: it is the first thing that a person asks for.
func TestListsOfALockedTable(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Running("a")
	for table, paths := range map[string][]string{
		"campaign_events": {"/api/v1/events", desktest.EventURL(e.ID)}, "parked_messages": {"/api/v1/parked"},
		"point_results": {desktest.EventURL(e.ID) + "/results"}, "point_targets": {desktest.EventURL(e.ID) + "/targets"},
	} {
		free := d.held(`LOCK TABLE ` + table + ` IN ACCESS EXCLUSIVE MODE`)
		for _, path := range paths {
			require.Contains(t, d.Get(path).Refused(503, "unavailable").Detail, "held by session ", path)
		}
		free()
	}
}

// C7: an event that another session keeps locked does not keep the timetable from starting, stopping and completing
// others.
func TestTheTimetablePassesALockedEvent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	locked, other := d.Reserved("locked", past, "", 3), d.Reserved("other", "2026-11-01T00:00:00Z", "", 3)
	free := d.held(summaryRow, locked)
	err := d.App.Events.StartDue(t.Context())
	require.ErrorContains(t, err, "start event 1: a lock in PostgreSQL was not free in time: it is held by session ")
	require.Equal(t, "PENDING", d.Status(api.Event{ID: locked}))
	require.Equal(t, "RUNNING", d.Status(api.Event{ID: other}))
	free()
	require.NoError(t, d.App.Events.StartDue(t.Context()))

	for _, id := range []int64{locked, other} {
		d.SQL(`UPDATE campaign_event_summary SET published_count = 3, success_count = 3 WHERE event_id = $1`, id)
	}
	free = d.held(summaryRow, locked)
	require.ErrorContains(t, d.App.Events.CloseDone(t.Context()),
		"close event 1: a lock in PostgreSQL was not free in time")
	require.Equal(t, "RUNNING", d.Status(api.Event{ID: locked}))
	require.Equal(t, "COMPLETED", d.Status(api.Event{ID: other}))
	d.SQL(`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'test', 'the row alone')`)
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	require.ErrorContains(t, d.App.Events.StopBraked(t.Context()),
		"stop event 1: a lock in PostgreSQL was not free in time")
	require.Equal(t, "STOPPED", d.Status(api.Event{ID: other}))
	free()
	require.NoError(t, d.App.Events.StopBraked(t.Context()))
	require.Equal(t, "STOPPED", d.Status(api.Event{ID: locked}))
}

// C2: a table of results that cannot be read keeps progress from counting: it says so at once, and the event says what
// it waits for.
func TestProgressOfALockedTable(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Running("c")
	d.Process("relay", "handler", "jobs")
	d.SQL(`UPDATE processes SET started_at = now() - interval '1 hour'`)
	d.SQL(`UPDATE campaign_events SET updated_at = now() - interval '1 minute'`)
	d.SQL(`UPDATE campaign_event_summary SET updated_at = now() - interval '1 minute'`)
	free := d.held(`LOCK TABLE point_results IN ACCESS EXCLUSIVE MODE`)
	p := d.Get(desktest.EventURL(e.ID)+"/progress").Refused(503, "unavailable")
	require.Contains(t, p.Detail, "held by session ")
	waiting := desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID))).WaitingFor
	require.Len(t, waiting, 1)
	require.Equal(t, "stalled", waiting[0].Code)
	require.Contains(t, waiting[0].Text, "with locks on point_results")
	free()
}
