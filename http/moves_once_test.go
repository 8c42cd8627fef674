package http

import (
	"strings"
	"testing"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

const onceKey = "Idempotency-Key: emergency-1"

// running is an event of three members that runs.
func (d *desk) running(campaign string) api.Event {
	d.Helper()
	return d.at("RUNNING", campaign)
}

// status returns what the event's status is now.
func (d *desk) status(e api.Event) string {
	d.Helper()
	return decoded[api.Event](d.get(eventURL(e.ID))).EventStatus
}

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
			e, path := d.running("c"), c.path
			if name == "stop" {
				path = eventURL(e.ID) + c.path
			}
			for range 3 {
				a := d.post(path, c.body, onceKey)
				require.Equal(t, 200, a.StatusCode, a.body)
				require.Empty(t, a.Header.Get("Idempotency-Replayed"), "it was done, not told")
				require.Contains(t, a.body, `"STOPPED"`)
				require.Equal(t, "STOPPED", d.status(e))
				require.Equal(t, name != "stop", decoded[api.Brakes](d.get(brakeURL)).Engaged)
				d.sql(`DELETE FROM brakes`)
				require.Equal(t, 202, d.post(eventURL(e.ID)+"/resume", "").StatusCode)
			}
			d.sql(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
			a := d.post(path, c.body, onceKey)
			require.NotContains(t, a.body, "STOPPED")
			d.post(path, strings.ReplaceAll(c.body, "wrong", "bad"), onceKey).refused(422, "key_reused")
		})
	}
}

// A brake that is asked for again with its key names the events that it stopped at the first time, and how they stand
// now.
func TestRepeatedBrakeNamesItsEvents(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.running("c")
	first := decoded[api.Braked](d.post(brakeURL, `{"scope": "all", `+why+`}`, onceKey))
	require.Len(t, first.Items, 1)
	require.Equal(t, first, decoded[api.Braked](d.post(brakeURL, `{"scope": "all", `+why+`}`, onceKey)))
	d.sql(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
	again := decoded[api.Braked](d.post(brakeURL, `{"scope": "all", `+why+`}`, onceKey))
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
			e := d.at(from, "c")
			path := eventURL(e.ID) + move
			ask := func() answer { return d.post(path, "", onceKey) }
			first := ask()
			require.Equal(t, 202, first.StatusCode, first.body)
			require.Empty(t, first.Header.Get("Idempotency-Replayed"))
			goesOn := func(status string) {
				t.Helper()
				a := ask()
				require.Equal(t, 202, a.StatusCode, a.body)
				require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
				require.Equal(t, status, decoded[api.Event](a).EventStatus)
			}
			stays := func(status string) {
				t.Helper()
				p := ask().refused(409, "wrong_status")
				require.Equal(t, status, p.Current)
				require.Equal(t, []string{"resume"}, p.Allowed)
				require.Contains(t, p.Hint, "new Idempotency-Key")
				require.Equal(t, status, d.status(e))
			}
			goesOn("RUNNING")
			require.Equal(t, 200, d.post(eventURL(e.ID)+"/stop", `{`+why+`}`).StatusCode)
			stays("STOPPED")
			d.sql(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
			stays("FAILED")
			require.Equal(t, 202, d.post(eventURL(e.ID)+"/resume", "").StatusCode)
			goesOn("RUNNING")
			d.sql(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
			goesOn("COMPLETED")
		})
	}
}

// A release whose key was answered before does not release a brake that was engaged after it, and never says that it is
// released.
func TestRepeatedKeyReleasesNothingTwice(t *testing.T) {
	t.Parallel()
	d := setup(t)
	release := func() answer { return d.post(brakeURL+"/release", `{"scope": "all", `+why+`}`, onceKey) }
	engage := func(scope string) {
		t.Helper()
		require.Equal(t, 200, d.post(brakeURL, `{"scope": "`+scope+`", `+why+`}`).StatusCode)
	}
	engage("all")
	require.False(t, decoded[api.Brakes](release()).Engaged)
	a := release()
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.False(t, decoded[api.Brakes](a).Engaged)
	engage("all")
	p := release().refused(409, "brake_engaged")
	require.Equal(t, "all", p.Scope)
	require.Contains(t, p.Hint, "new Idempotency-Key")
	require.True(t, decoded[api.Brakes](d.get(brakeURL)).Engaged)
	require.Equal(t, 200, d.post(brakeURL+"/release", `{"scope": "all", `+why+`}`).StatusCode)
	engage("type:POINT")
	a = release()
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.Equal(t, "type:POINT", decoded[api.Brakes](a).Items[0].Scope, "what is engaged now")
}
