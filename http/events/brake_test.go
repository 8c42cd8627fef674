package events_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"
	"bestow/internal/pg"

	"github.com/stretchr/testify/require"
)

// The brake over HTTP: what it holds says so with who engaged it and when; asked again it stays as it was; released,
// nothing is resumed.
func TestBrake(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Equal(t, `{"engaged":false,"items":[]}`, strings.TrimSpace(d.Get(brakeURL).Text))
	running, waiting := d.PointEvent("running"), d.PointEvent("waiting")
	d.Members(running.ID, 3)
	d.Members(waiting.ID, 3)
	d.Post(desktest.EventURL(running.ID)+"/start", "")

	a := d.Post(brakeURL, `{"scope": "all", `+why+`}`)
	require.Equal(t, 200, a.StatusCode, a.Text)
	braked := desktest.Decoded[api.Braked](a)
	require.Len(t, braked.Items, 1)
	require.Equal(t, "STOPPED", braked.Items[0].EventStatus)
	require.Equal(t, "a wrong list", *braked.Items[0].Summary.StoppedMemo)
	require.Equal(t, api.Brake{Scope: "all", By: "admin", Memo: "a wrong list", Since: braked.Brake.Since},
		braked.Brake)
	require.WithinDuration(t, time.Now(), braked.Brake.Since, time.Minute)

	for _, move := range []string{desktest.EventURL(waiting.ID) + "/start", desktest.EventURL(running.ID) + "/resume"} {
		p := d.Post(move, "").Refused(409, "brake_engaged")
		require.Equal(t, "all", p.Scope)
		require.Equal(t, "admin", p.By)
		require.Equal(t, braked.Brake.Since, *p.Since)
	}
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, running.ID)
	d.Post(desktest.EventURL(running.ID)+"/retry", `{}`).Refused(409, "brake_engaged")
	require.Equal(t, 200, d.Post(desktest.EventURL(running.ID)+"/retry", `{"dry_run": true}`).StatusCode)
	d.SQL(`UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = $1`, running.ID)

	again := desktest.Decoded[api.Braked](d.Post("/api/v1/stop-all", `{"memo": "me too"}`))
	require.Equal(t, braked.Brake, again.Brake, "the brake of before")
	require.Empty(t, again.Items, "nothing ran")
	require.Equal(t, api.Brakes{Engaged: true, Items: []api.Brake{braked.Brake}}, desktest.Decoded[api.Brakes](d.Get(brakeURL)))
	for range 2 {
		a = d.Post(brakeURL+"/release", `{"scope": "all", `+why+`}`)
		require.Equal(t, 200, a.StatusCode, a.Text)
		require.False(t, desktest.Decoded[api.Brakes](a).Engaged)
	}
	require.Equal(t, "STOPPED", desktest.Decoded[api.Event](d.Get(desktest.EventURL(running.ID))).EventStatus)
	require.Equal(t, 202, d.Post(desktest.EventURL(running.ID)+"/resume", "").StatusCode)
}

// A release starts what is due by itself: no process here has the role jobs, so there is no timetable.
func TestReleaseStartsWhatIsDue(t *testing.T) {
	t.Parallel()
	d := setup(t)
	due, later := d.PointEvent("due"), d.PointEvent("later")
	for _, e := range []api.Event{due, later} {
		d.Members(e.ID, 3)
	}
	d.SQL(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) - interval '1 minute' WHERE id = $1`,
		due.ID)
	d.SQL(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) + interval '1 hour' WHERE id = $1`,
		later.ID)
	d.SQL(`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'test', 'the row alone')`)
	require.Equal(t, 200, d.Post(brakeURL+"/release", `{"scope": "all", `+why+`}`).StatusCode)
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(due.ID))).EventStatus)
	require.Equal(t, "PENDING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(later.ID))).EventStatus)
}

// What cannot be a brake is refused with every field that is wrong, and engages none.
func TestBrakeRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const invalid = "invalid"
	for body, want := range map[string]struct {
		status int
		code   string
		fields []string
	}{
		`{` + why + `}`:                                                    {422, invalid, []string{"body.scope"}},
		`{"scope": "", ` + why + `}`:                                       {422, invalid, []string{"body.scope"}},
		`{"scope": "ALL", ` + why + `}`:                                    {422, invalid, []string{"body.scope"}},
		`{"scope": " all", ` + why + `}`:                                   {422, invalid, []string{"body.scope"}},
		`{"scope": "all\u0000", ` + why + `}`:                              {422, invalid, []string{"body.scope"}},
		`{"scope": "POINT", ` + why + `}`:                                  {422, invalid, []string{"body.scope"}},
		`{"scope": "type:", ` + why + `}`:                                  {422, invalid, []string{"body.scope"}},
		`{"scope": "type:point", ` + why + `}`:                             {422, invalid, []string{"body.scope"}},
		`{"scope": "type:COFFEE", ` + why + `}`:                            {422, invalid, []string{"body.scope"}},
		`{"scope": "type:POINT ", ` + why + `}`:                            {422, invalid, []string{"body.scope"}},
		`{"scope": "type:type:POINT", ` + why + `}`:                        {422, invalid, []string{"body.scope"}},
		`{"scope": "team:3", ` + why + `}`:                                 {422, invalid, []string{"body.scope"}},
		`{"scope": "type:` + strings.Repeat("X", 5000) + `", ` + why + `}`: {422, invalid, []string{"body.scope"}},
		`{"scope": 5, ` + why + `}`:                                        {422, invalid, []string{"body.scope"}},
		`{"scope": null, ` + why + `}`:                                     {422, invalid, []string{"body.scope"}},
		`{"scope": "all"}`:                                                 {422, invalid, []string{"body.memo"}},
		`{"scope": "all", "memo": ""}`:                                     {422, invalid, []string{"body.memo"}},
		`{"scope": "all", "memo": "` + strings.Repeat("왜", 501) + `"}`:     {422, invalid, []string{"body.memo"}},
		`{}`: {422, invalid, []string{"body.scope", "body.memo"}},
		`{"scope": "all", "by": "me", ` + why + `}`: {400, api.Malformed, []string{"body.by"}},
		`[]`: {400, api.Malformed, nil},
	} {
		for _, path := range []string{brakeURL, brakeURL + "/release"} {
			p := d.Post(path, body).Refused(want.status, want.code)
			require.Equal(t, want.fields, desktest.Locations(p), body)
		}
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM brakes`))
	d.Get(brakeURL+"?scope=all").Refused(400, api.BadRequest)
}

// A key that was used for a brake, a stop-all or a release is refused for anything else.
func TestBrakeOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, c := range []struct{ path, body, other string }{
		{brakeURL, `{"scope": "all", ` + why + `}`, `{"scope": "type:POINT", ` + why + `}`},
		{"/api/v1/stop-all", `{` + why + `}`, `{"memo": "something else"}`},
		{brakeURL + "/release", `{"scope": "all", ` + why + `}`, `{"scope": "type:POINT", ` + why + `}`},
	} {
		key := "Idempotency-Key: k" + strings.ReplaceAll(c.path, "/", "-")
		require.Equal(t, 200, d.Post(c.path, c.body, key).StatusCode)
		engaged := d.Count(`SELECT count(*) FROM brakes`)
		d.Post(c.path, c.other, key).Refused(422, "key_reused")
		require.Equal(t, engaged, d.Count(`SELECT count(*) FROM brakes`), c.path)
	}
}

// The queue says that a brake holds what is due, and of which type.
func TestQueueUnderABrake(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Reserved("c", past, "", 3)
	for scope, want := range map[string]string{
		"type:VOUCHER": "", "type:POINT": "brake_engaged",
		"all": "brake_engaged",
	} {
		d.Post(brakeURL, `{"scope": "`+scope+`", `+why+`}`)
		q := d.Queue()
		require.Equal(t, id, q.Lanes[0].Events[0].ID)
		require.Equal(t, want, desktest.WaitsFor(q.Lanes[0].Events[0]), scope)
		d.SQL(`DELETE FROM brakes`)
		d.SQL(`UPDATE campaign_events SET event_status = 'PENDING'`)
		d.SQL(`UPDATE campaign_event_summary SET started_at = NULL, stopped_at = NULL`)
	}
}

// A brake is released, and its event starts, after the timetable has listed the event: the event runs on.
func TestStartedAfterARelease(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	d.SQL(`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'test', 'released soon')`)
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, e.ID)
	gate, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, pg.Lock(t.Context(), gate, pg.Gate, e.ID))
	stopped := make(chan error, 1)
	go func() { stopped <- d.App.Events.StopBraked(t.Context()) }()
	d.AwaitLock()
	d.SQL(`DELETE FROM brakes`)
	require.NoError(t, gate.Rollback(t.Context()))
	require.NoError(t, <-stopped)
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID))).EventStatus)
}

// What a brake lists is read after its locks are free again: no claim waits for it.
func TestBrakeReadsWithoutItsLocks(t *testing.T) {
	t.Parallel()
	d := setup(t)
	table, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = table.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = table.Exec(t.Context(), `LOCK TABLE grant_chunks IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	braked := make(chan answer, 1)
	go func() { braked <- d.Post("/api/v1/brake", `{"scope": "all", "memo": "x"}`) }()
	d.AwaitLock()
	claim, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = claim.Rollback(context.WithoutCancel(t.Context())) }()
	free, err := pg.TryLockShared(t.Context(), claim, pg.Brake, pg.Claims)
	require.NoError(t, err)
	require.True(t, free)
	require.NoError(t, table.Rollback(t.Context()))
	require.Equal(t, 200, (<-braked).StatusCode)
}
