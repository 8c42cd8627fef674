package events_test

import (
	"net/http"
	"slices"
	"testing"

	"bestow/app"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

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
	d.App = desktest.NewAppWith(t, d.Pool, desktest.NoSealer{}, limits)
	d.Server = d.Serve(d.App)
	t.Run("each", func(t *testing.T) {
		t.Parallel()
		for status, answers := range right {
			for _, move := range moves {
				t.Run(move+" in "+status, func(t *testing.T) {
					t.Parallel()
					d := d.in(t)
					e := d.At(status, status+move)
					before := d.Get(desktest.EventURL(e.ID)).Text
					a := d.Ask(move, e)
					want, is := answers[move]
					if !is {
						p := a.Refused(http.StatusConflict, "wrong_status")
						require.Equal(t, e.EventStatus, p.Current)
						require.Equal(t, allowed[e.EventStatus], p.Allowed)
						require.NotEmpty(t, p.Hint)
						require.Equal(t, before, d.Get(desktest.EventURL(e.ID)).Text, "a refused move changes nothing")
						return
					}
					require.Equal(t, want.code, a.StatusCode, a.Text)
					if want.then == "" {
						d.Get(desktest.EventURL(e.ID)).Refused(404, "not_found")
						return
					}
					now := desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID)))
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
	a := d.Ask(move, e)
	require.Equal(d, 200, a.StatusCode, a.Text)
	require.Equal(d, e, desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID))), "%s again changes nothing", move)
}

// Another event's import looks for a moment whether this one's is still alive, by its lock: nothing is refused for
// that.
func TestStartBesideALookForDeadImports(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.At("PENDING", "a")
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1::bigint << 3 | 1)`, e.ID)
	require.NoError(t, err)
	d.SQL(`UPDATE imports SET defaulted = 0`) // as if each row had brought its amount
	require.Equal(t, 200, d.Patch(e.ID, `{"default_amount": 6}`).StatusCode)
	require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/start", "").StatusCode)
}

// Of many that start or resume an event at once, one moves it: it gets 202, the others 200.
func TestOneMoves(t *testing.T) {
	t.Parallel()
	for move, status := range map[string]string{"start": "PENDING", "resume": "STOPPED"} {
		t.Run(move, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			e := d.At(status, "a")
			var group errgroup.Group
			answers := make([]int, 8)
			for i := range answers {
				group.Go(func() error { answers[i] = d.Ask(move, e).StatusCode; return nil })
			}
			require.NoError(t, group.Wait())
			slices.Sort(answers)
			require.Equal(t, []int{200, 200, 200, 200, 200, 200, 200, 202}, answers)
		})
	}
}
