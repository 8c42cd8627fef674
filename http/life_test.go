package http

import (
	"net/http"
	"slices"
	"testing"

	"bestow/app"
	"bestow/http/api"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// at makes an event of three members and brings it to a status: by its moves where a person can, by hand where only the
// machine does.
func (d *desk) at(status, campaign string) api.Event {
	d.Helper()
	e := d.pointEvent(campaign)
	d.members(e.ID, 3)
	move := func(want int, path, body string) {
		a := d.post(eventURL(e.ID)+path, body)
		require.Equal(d, want, a.StatusCode, a.body)
	}
	if status != "PENDING" {
		move(202, "/start", "")
	}
	switch status {
	case "STOPPED", "RESUMED":
		move(200, "/stop", `{"memo": "m"}`)
	case "FAILED":
		d.sql(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
		d.sql(`UPDATE campaign_event_summary SET stopped_at = now(), stopped_memo = 'm' WHERE event_id = $1`, e.ID)
	case "COMPLETED":
		d.sql(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
		d.sql(`UPDATE campaign_event_summary SET completed_at = now(), success_count = 3, published_count = 3 WHERE event_id = $1`, e.ID)
	}
	if status == "RESUMED" {
		move(202, "/resume", "")
	}
	return decoded[api.Event](d.get(eventURL(e.ID)))
}

// ask returns how a person asks for a move.
func (d *desk) ask(move string, e api.Event) answer {
	d.Helper()
	u := eventURL(e.ID)
	switch move {
	case "start", "resume":
		return d.post(u+"/"+move, "")
	case "stop":
		return d.post(u+"/stop", `{"memo": "again"}`)
	case "retry":
		return d.post(u+"/retry", `{}`)
	case "import":
		return d.post(u+"/targets", "member_id\nlate\n", "Content-Type: text/csv")
	case "patch":
		return d.patch(e.ID, `{"reservation_priority": 6}`)
	}
	return d.do(call{"DELETE", u, "", nil})
}

// Every move in every status: what is not in the table is refused with where the event stands and what is allowed, and
// changes nothing.
func TestEveryMoveInEveryStatus(t *testing.T) {
	t.Parallel()
	moves := []string{"start", "resume", "stop", "retry", "import", "patch", "delete"}
	right := map[string]map[string]struct {
		code int
		then string // the event's status afterwards; "" for none
	}{
		"PENDING": {"start": {202, "RUNNING"}, "import": {201, "PENDING"}, "patch": {200, "PENDING"}, "delete": {204, ""}},
		"RUNNING": {"start": {200, "RUNNING"}, "stop": {200, "STOPPED"}, "retry": {200, "RUNNING"}},
		// RUNNING too, but it was a resume that led there.
		"RESUMED":   {"resume": {200, "RUNNING"}, "stop": {200, "STOPPED"}, "retry": {200, "RUNNING"}},
		"STOPPED":   {"resume": {202, "RUNNING"}, "stop": {200, "STOPPED"}},
		"FAILED":    {"resume": {202, "RUNNING"}},
		"COMPLETED": {"retry": {200, "COMPLETED"}},
	}
	allowed := map[string][]string{
		"PENDING": {"start"}, "RUNNING": {"stop"}, "STOPPED": {"resume"},
		"FAILED": {"resume"}, "COMPLETED": {},
	}
	d := setup(t)
	limits := app.DefaultLimits()
	limits.Imports = len(right) * len(moves) // at once, where the machine has the cores
	d.app = newAppWith(t, d.pool, noSealer{}, limits)
	d.Server = d.serve(Config{App: d.app, AdminKey: testKey})
	t.Run("each", func(t *testing.T) {
		t.Parallel()
		for status, answers := range right {
			for _, move := range moves {
				t.Run(move+" in "+status, func(t *testing.T) {
					t.Parallel()
					d := d.in(t)
					e := d.at(status, status+move)
					before := d.get(eventURL(e.ID)).body
					a := d.ask(move, e)
					want, is := answers[move]
					if !is {
						p := a.refused(http.StatusConflict, "wrong_status")
						require.Equal(t, e.EventStatus, p.Current)
						require.Equal(t, allowed[e.EventStatus], p.Allowed)
						require.NotEmpty(t, p.Hint)
						require.Equal(t, before, d.get(eventURL(e.ID)).body, "a refused move changes nothing")
						return
					}
					require.Equal(t, want.code, a.StatusCode, a.body)
					if want.then == "" {
						d.get(eventURL(e.ID)).refused(404, "not_found")
						return
					}
					now := decoded[api.Event](d.get(eventURL(e.ID)))
					require.Equal(t, want.then, now.EventStatus)
					d.repeated(move, now)
				})
			}
		}
	})
}

// repeated asks for the same move again: it is no error, and what the first time has set stays.
func (d *desk) repeated(move string, e api.Event) {
	d.Helper()
	if move != "start" && move != "resume" && move != "stop" {
		return
	}
	a := d.ask(move, e)
	require.Equal(d, 200, a.StatusCode, a.body)
	require.Equal(d, e, decoded[api.Event](d.get(eventURL(e.ID))), "%s again changes nothing", move)
}

// Another event's import looks for a moment whether this one's is still alive, by its lock: nothing is refused for
// that.
func TestStartBesideALookForDeadImports(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.at("PENDING", "a")
	tx, err := d.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1::bigint << 3 | 1)`, e.ID)
	require.NoError(t, err)
	d.sql(`UPDATE imports SET defaulted = 0`) // as if each row had brought its amount
	require.Equal(t, 200, d.patch(e.ID, `{"default_amount": 6}`).StatusCode)
	require.Equal(t, 202, d.post(eventURL(e.ID)+"/start", "").StatusCode)
}

// Of many that start or resume an event at once, one moves it: it gets 202, the others 200.
func TestOneMoves(t *testing.T) {
	t.Parallel()
	for move, status := range map[string]string{"start": "PENDING", "resume": "STOPPED"} {
		t.Run(move, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			e := d.at(status, "a")
			var group errgroup.Group
			answers := make([]int, 8)
			for i := range answers {
				group.Go(func() error { answers[i] = d.ask(move, e).StatusCode; return nil })
			}
			require.NoError(t, group.Wait())
			slices.Sort(answers)
			require.Equal(t, []int{200, 200, 200, 200, 200, 200, 200, 202}, answers)
		})
	}
}
