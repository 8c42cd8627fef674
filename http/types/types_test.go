package types_test

import (
	"strings"
	"testing"

	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/internal/apitest"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const url = "/api/v1/event-types"

// desk is a listener on a database of the test's own.
type desk struct{ *desktest.Desk }

func setup(t *testing.T) *desk {
	t.Helper()
	return &desk{apitest.New(t, bestowhttp.Config{})}
}

func (d *desk) patchType(code, body string) desktest.Answer {
	d.Helper()
	return d.Do("PATCH", "/api/v1/event-types/"+code, body)
}

// A type takes a merge patch: what is given changes, null clears, what is absent stays; what cannot be is named, field
// by field, and changes nothing (C7).
func TestPatchEventType(t *testing.T) {
	t.Parallel()
	d := setup(t)
	listed := func() api.EventType {
		d.Helper()
		return desktest.Decoded[api.EventTypes](d.Get("/api/v1/event-types")).Items[0]
	}
	was := listed()
	require.Equal(t, "POINT", was.EventType)
	require.Equal(t, new("P"), was.Unit)
	require.Nil(t, was.MaxPerMember)

	full := was
	full.Unit, full.Label = new("EA"), "쿠폰 🎁"
	full.MaxPerMember, full.MaxPerEvent, full.MaxCount = new(int64(9223372036854775807)), new(int64(1)), new(2147483647)
	a := d.patchType("POINT",
		`{"unit": "EA", "label": "쿠폰 🎁", "max_per_member": 9223372036854775807, "max_per_event": 1, "max_count": 2147483647}`)
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Contains(t, d.Logged.String(), `msg="an event type is changed" event_type=POINT by=admin state=READY unit=EA `+
		`max_per_member=9223372036854775807 max_per_event=1 max_count=2147483647`)
	require.Equal(t, full, desktest.Decoded[api.EventType](a))
	require.Equal(t, full, listed())
	require.Equal(t, 200, d.patchType("POINT", `{}`).StatusCode)
	require.Equal(t, full, listed())

	for body, field := range map[string]string{
		`{"max_per_member": 0}`:                   "max_per_member",
		`{"max_per_event": -1}`:                   "max_per_event",
		`{"max_count": 0}`:                        "max_count",
		`{"max_count": 2147483648}`:               "max_count",
		`{"max_per_event": 9223372036854775808}`:  "max_per_event",
		`{"max_per_member": 1.5}`:                 "max_per_member",
		`{"max_per_member": "1000"}`:              "max_per_member",
		`{"unit": ""}`:                            "unit",
		`{"unit": "krw"}`:                         "unit",
		`{"unit": "ELEVENCHARS"}`:                 "unit",
		`{"unit": "P\n"}`:                         "unit",
		`{"unit": 1}`:                             "unit",
		`{"state": "CREATING"}`:                   "state",
		`{"state": "retired"}`:                    "state",
		`{"state": null}`:                         "state",
		`{"state": 1}`:                            "state",
		`{"label": null}`:                         "label",
		`{"label": ""}`:                           "label",
		`{"label": "a\u0000b"}`:                   "label",
		`{"label": "a\u202eb"}`:                   "label",
		`{"label": "` + desktest.Long(101) + `"}`: "label",
		`{"unit": "KRW", "max_count": -9}`:        "max_count",
		`{"label": " x", "max_per_member": null}`: "label",
	} {
		p := d.patchType("POINT", body).Refused(422, "invalid")
		require.Len(t, p.Errors, 1, body)
		require.Equal(t, "body."+field, p.Errors[0].Location, body)
	}
	d.patchType("POINT", `{"max": 1}`).Refused(400, "malformed")
	d.patchType("POINT", `{"topic": "x"}`).Refused(400, "malformed")
	d.patchType("POINT", `null`).Refused(400, "malformed")
	for _, code := range []string{"TEA", "point", "%00", "POINT%20", "é"} {
		d.patchType(code, `{"unit": "P"}`).Refused(404, "not_found")
	}
	require.Equal(t, full, listed())
	require.Equal(t, 200, d.patchType("POINT",
		`{"unit": null, "max_per_member": null, "max_per_event": null, "max_count": null}`).StatusCode)
	was.Unit, was.Label = nil, full.Label
	require.Equal(t, was, listed())
}

// coupon returns the body of a new type with one field changed; "" leaves the field out.
func coupon(field, value string) string {
	fields := map[string]string{"event_type": `"COUPON"`, "operation": `"vouchers"`, "granter": `"money"`, "label": `"쿠폰"`}
	if field != "" {
		fields[field] = value
	}
	var all []string
	for name, v := range fields {
		if v != "" {
			all = append(all, `"`+name+`": `+v)
		}
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// A type is made once: it answers with what it is, asks for the job, and stands in the audit. The same key repeats the
// answer as it is by then.
func TestCreateEventType(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body := `{"event_type": "COUPON", "operation": "vouchers", "granter": "money", "label": "쿠폰", "unit": "EA", "max_count": 5}`
	a := d.Post(url, body, "Idempotency-Key: k1")
	require.Equal(t, 202, a.StatusCode, a.Text)
	want := api.EventType{
		EventType: "COUPON", Label: "쿠폰", Operation: "vouchers", Granter: "money", State: "CREATING",
		Unit: new("EA"), MaxCount: new(5),
	}
	require.Equal(t, want, desktest.Decoded[api.EventType](a))
	want.WaitingFor = []api.Reason{{Code: "jobs", Text: "no process with the role jobs is running"}}
	require.Equal(t, want, desktest.Decoded[api.EventTypes](d.Get(url)).Items[0])
	require.Equal(t, want, desktest.Decoded[api.EventType](d.Get(url+"/COUPON")))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'make_types' AND queue = 'jobs'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'type.create' AND object = 'event type COUPON'
		AND before IS NULL AND after->>'state' = 'CREATING' AND after->>'granter' = 'money'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM event_types WHERE code = 'COUPON' AND topic = 'coupon'`))
	d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "COUPON"}`).Refused(422, "invalid")

	d.SQL(`UPDATE event_types SET state = 'READY' WHERE code = 'COUPON'`)
	a = d.Post(url, body, "Idempotency-Key: k1")
	require.Equal(t, 202, a.StatusCode, a.Text)
	require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
	require.Equal(t, "READY", desktest.Decoded[api.EventType](a).State)
	d.Post(url, coupon("", ""), "Idempotency-Key: k1").Refused(422, "key_reused")
	d.Post(url, body).Refused(409, "type_exists")
	d.Post(url, coupon("event_type", `"POINT"`)).Refused(409, "type_exists")
	require.Equal(t, 3, d.Count(`SELECT count(*) FROM event_types`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'make_types'`))
}

// What no type can be is refused, field by field, and leaves nothing.
func TestCreateEventTypeRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for field, values := range map[string][]string{
		"event_type":     {``, `null`, `""`, `"coupon"`, `"1A"`, `"A-B"`, `"ABCDEFGHIJKLMNOPQRSTU"`, `"A\n"`, `"É"`, `1`},
		"operation":      {``, `null`, `""`, `"POINTS"`, `"cancel"`, `[]`},
		"granter":        {``, `null`, `""`, `"Money"`, `"http://x"`, `"a b"`, `"` + desktest.Long(31) + `"`, `{}`},
		"label":          {``, `null`, `""`, `"a\u0000b"`, `" x"`, `"` + desktest.Long(101) + `"`, `1`},
		"unit":           {`""`, `"krw"`, `"ELEVENCHARS"`, `1`},
		"max_per_member": {`0`, `-1`, `1.5`, `"1"`, `9223372036854775808`},
		"max_per_event":  {`0`, `-9223372036854775808`},
		"max_count":      {`0`, `2147483648`},
	} {
		for _, value := range values {
			p := d.Post(url, coupon(field, value)).Refused(422, "invalid")
			require.Len(t, p.Errors, 1, "%s: %s", field, value)
			require.Equal(t, "body."+field, p.Errors[0].Location, value)
		}
	}
	for _, code := range []string{"EVENTS", "RESULTS", "CLAWBACK", "AUDIT", "POINT_DLT", "X_DLT"} {
		d.Post(url, coupon("event_type", `"`+code+`"`)).Refused(422, "type_reserved")
	}
	d.SQL(`CREATE TABLE coupon_results ()`)
	d.Post(url, coupon("", "")).Refused(422, "type_reserved")
	for _, body := range []string{``, `null`, `[]`, `{`, coupon("topic", `"x"`), coupon("state", `"READY"`)} {
		d.Post(url, body).Refused(400, "malformed")
	}
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM event_types`))
	require.Zero(t, d.Count(`SELECT count(*) FROM river.river_job`))
	require.Zero(t, d.Count(`SELECT count(*) FROM audit_log`))
}

// A type of another ledger needs a handler that runs and has the ledger, so that a name that is mistyped is found.
func TestCreateEventTypeOfAnotherLedger(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body := coupon("granter", `"coupon-ledger"`)
	d.Post(url, body).Refused(409, "granter_unknown")
	d.Process("handler")
	d.Post(url, body).Refused(409, "granter_unknown")
	d.SQL(`UPDATE processes SET reports = '[{"code": "", "granters": ["coupon-ledger", "money"]}]'`)
	require.Equal(t, 202, d.Post(url, body).StatusCode)
}

// A retired type takes no new events. What it has can be changed and started, and the type can come back.
func TestRetireEventType(t *testing.T) {
	t.Parallel()
	d := setup(t)
	kept, moved := d.PointEvent("kept"), d.PointEvent("moved")
	a := d.patchType("POINT", `{"state": "RETIRED"}`)
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Equal(t, "RETIRED", desktest.Decoded[api.EventType](a).State)
	p := d.Post("/api/v1/events", `{"campaign_id": "b", "event_type": "POINT"}`).Refused(422, "invalid")
	require.Contains(t, p.Errors[0].Message, "is RETIRED, and takes no new events")
	require.Equal(t, 200, d.Patch(kept.ID, `{"default_reason": "봄"}`).StatusCode)
	d.List(kept.ID, "", "a", "b")
	require.Equal(t, 202, d.Ask("start", kept).StatusCode)
	require.Equal(t, 200, d.Patch(moved.ID, `{"event_type": "VOUCHER"}`).StatusCode)
	d.Patch(moved.ID, `{"event_type": "POINT"}`).Refused(422, "invalid")
	require.Equal(t, 200, d.Post("/api/v1/brake", `{"scope": "type:POINT", "memo": "still possible"}`).StatusCode)

	d.SQL(`INSERT INTO event_types (code, label, operation, topic, state) VALUES ('TEA', 'x', 'points', 'tea', 'TABLES')`)
	d.patchType("TEA", `{"state": "RETIRED"}`).Refused(409, "type_not_ready")
	p = d.Post("/api/v1/events", `{"campaign_id": "b", "event_type": "TEA"}`).Refused(422, "invalid")
	require.Contains(t, p.Errors[0].Message, "is still being made")
	p = d.Post("/api/v1/events", `{"campaign_id": "b", "event_type": "COFFEE"}`).Refused(422, "invalid")
	require.Equal(t, "must be one of VOUCHER", p.Errors[0].Message)
	require.Equal(t, 200, d.patchType("TEA", `{"unit": "EA"}`).StatusCode)
	require.Equal(t, 200, d.patchType("POINT", `{"state": "READY"}`).StatusCode)
	require.Equal(t, 201, d.Post("/api/v1/events", `{"campaign_id": "b", "event_type": "POINT"}`).StatusCode)
}

// A type has an ETag, of GET and of each change; a PATCH with another one changes nothing, and one without If-Match is
// for any state.
func TestEventTypeIfMatch(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.Get(url + "/POINT")
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Equal(t, "POINT", desktest.Decoded[api.EventType](a).EventType)
	read := a.Header.Get("ETag")
	require.Regexp(t, `^"[0-9a-f]{16}"$`, read)
	d.Get(url+"/TEA").Refused(404, "not_found")
	d.Get(url+"/point").Refused(404, "not_found")

	patch := func(body string, headers ...string) desktest.Answer {
		return d.Do("PATCH", url+"/POINT", body, headers...)
	}
	changed := patch(`{"label": "one"}`, "If-Match: "+read, "Idempotency-Key: k")
	require.Equal(t, 200, changed.StatusCode, changed.Text)
	now := changed.Header.Get("ETag")
	require.NotEqual(t, read, now)
	require.Equal(t, now, d.Get(url+"/POINT").Header.Get("ETag"))
	p := patch(`{"label": "two"}`, "If-Match: "+read).Refused(412, api.PreconditionFailed)
	require.Contains(t, p.Detail, "somebody has changed the event type since it was read")
	require.Equal(t, "one", desktest.Decoded[api.EventType](d.Get(url+"/POINT")).Label)
	again := patch(`{"label": "one"}`, "If-Match: "+read, "Idempotency-Key: k")
	require.Equal(t, 200, again.StatusCode, "the stored answer is given whatever the state is now: %s", again.Text)
	require.Equal(t, 200, patch(`{"label": "two"}`, `If-Match: "other", `+now).StatusCode)
	require.Equal(t, 200, patch(`{"label": "three"}`, "If-Match: *").StatusCode)
	require.Equal(t, 200, patch(`{"label": "four"}`).StatusCode)
	patch(`{"label": "five"}`, "If-Match:  ").Refused(428, api.PreconditionRequired)
	now = d.Get(url + "/POINT").Header.Get("ETag")
	p = patch(`{"label": "five"}`, "If-Match: W/"+now).Refused(412, api.PreconditionFailed)
	require.Contains(t, p.Detail, "a weak ETag, which names no state")
	d.Do("PATCH", url+"/TEA", `{"label": "two"}`, "If-Match: "+now).Refused(404, "not_found")
	d.Do("POST", url, `{}`, "If-Match: "+now).Refused(400, "bad_request")
	d.Do("POST", url, `{}`, "If-Match:  ").Refused(400, "bad_request")
}
