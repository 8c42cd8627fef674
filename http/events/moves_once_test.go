package events_test

import (
	"strings"
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const onceKey = "Idempotency-Key: emergency-1"

// A stop, a stop-all or a brake whose Idempotency-Key was answered before is done again, whatever was taken back since:
// the answer says STOPPED or engaged of what is so.
func TestRepeatedKeyStopsAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, body string }{
		"stop":            {"/stop", `{` + why + `}`},
		"stop-all":        {"/api/v1/stop-all", `{` + why + `}`},
		"brake":           {brakeURL, `{"scope": "all", ` + why + `}`},
		"brake of a type": {brakeURL, `{"scope": "type:POINT", ` + why + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			e, path := d.Running("c"), c.path
			if name == "stop" {
				path = desktest.EventURL(e.ID) + c.path
			}
			for range 3 {
				a := d.Post(path, c.body, onceKey)
				require.Equal(t, 200, a.StatusCode, a.Text)
				require.Empty(t, a.Header.Get("Idempotency-Replayed"), "it was done, not told")
				require.Contains(t, a.Text, `"STOPPED"`)
				require.Equal(t, "STOPPED", d.Status(e))
				require.Equal(t, name != "stop", desktest.Decoded[api.Brakes](d.Get(brakeURL)).Engaged)
				d.SQL(`DELETE FROM brakes`)
				require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/resume", "").StatusCode)
			}
			d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
			a := d.Post(path, c.body, onceKey)
			require.NotContains(t, a.Text, "STOPPED")
			d.Post(path, strings.ReplaceAll(c.body, "wrong", "bad"), onceKey).Refused(422, "key_reused")
		})
	}
}

// A brake that is asked for again with its key names the events that it stopped at the first time, and how they stand
// now.
func TestRepeatedBrakeNamesItsEvents(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Running("c")
	first := desktest.Decoded[api.Braked](d.Post(brakeURL, `{"scope": "all", `+why+`}`, onceKey))
	require.Len(t, first.Items, 1)
	require.Equal(t, first, desktest.Decoded[api.Braked](d.Post(brakeURL, `{"scope": "all", `+why+`}`, onceKey)))
	d.SQL(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
	again := desktest.Decoded[api.Braked](d.Post(brakeURL, `{"scope": "all", `+why+`}`, onceKey))
	require.Equal(t, "FAILED", again.Items[0].EventStatus)
}

// A start or a resume whose key was answered before does not undo a stop that came after it, and never says RUNNING of
// an event that does not run.
func TestRepeatedKeyStartsNothingTwice(t *testing.T) {
	t.Parallel()
	for move, from := range map[string]string{"/start": "PENDING", "/resume": "STOPPED"} {
		t.Run(move, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			e := d.At(from, "c")
			path := desktest.EventURL(e.ID) + move
			ask := func() answer { return d.Post(path, "", onceKey) }
			first := ask()
			require.Equal(t, 202, first.StatusCode, first.Text)
			require.Empty(t, first.Header.Get("Idempotency-Replayed"))
			goesOn := func(status string) {
				t.Helper()
				a := ask()
				require.Equal(t, 202, a.StatusCode, a.Text)
				require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
				require.Equal(t, status, desktest.Decoded[api.Event](a).EventStatus)
			}
			stays := func(status string) {
				t.Helper()
				p := ask().Refused(409, "wrong_status")
				require.Equal(t, status, p.Current)
				require.Equal(t, []string{"resume"}, p.Allowed)
				require.Contains(t, p.Hint, "new Idempotency-Key")
				require.Equal(t, status, d.Status(e))
			}
			goesOn("RUNNING")
			require.Equal(t, 200, d.Post(desktest.EventURL(e.ID)+"/stop", `{`+why+`}`).StatusCode)
			stays("STOPPED")
			d.SQL(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
			stays("FAILED")
			require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/resume", "").StatusCode)
			goesOn("RUNNING")
			d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
			goesOn("COMPLETED")
		})
	}
}

// A release whose key was answered before does not release a brake that was engaged after it, and never says that it is
// released.
func TestRepeatedKeyReleasesNothingTwice(t *testing.T) {
	t.Parallel()
	d := setup(t)
	release := func() answer { return d.Post(brakeURL+"/release", `{"scope": "all", `+why+`}`, onceKey) }
	engage := func(scope string) {
		t.Helper()
		require.Equal(t, 200, d.Post(brakeURL, `{"scope": "`+scope+`", `+why+`}`).StatusCode)
	}
	engage("all")
	require.False(t, desktest.Decoded[api.Brakes](release()).Engaged)
	a := release()
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.False(t, desktest.Decoded[api.Brakes](a).Engaged)
	engage("all")
	p := release().Refused(409, "brake_engaged")
	require.Equal(t, "all", p.Scope)
	require.Contains(t, p.Hint, "new Idempotency-Key")
	require.True(t, desktest.Decoded[api.Brakes](d.Get(brakeURL)).Engaged)
	require.Equal(t, 200, d.Post(brakeURL+"/release", `{"scope": "all", `+why+`}`).StatusCode)
	engage("type:POINT")
	a = release()
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.Equal(t, "type:POINT", desktest.Decoded[api.Brakes](a).Items[0].Scope, "what is engaged now")
}
