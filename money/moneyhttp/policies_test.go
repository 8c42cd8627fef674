package moneyhttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const policies = "/money/v1/policies"

// policy makes a policy, and returns it with its ETag.
func (b bundle) policy(body string) (said, string) {
	b.Helper()
	got := b.send("POST", policies, body)
	require.Equal(b, http.StatusCreated, got.status, got.body)
	return read(b, got), got.header.Get("ETag")
}

// patch changes a policy in the state with the tag, and expects the status.
func (b bundle) patch(status int, code, tag, body string) (said, string) {
	b.Helper()
	got := b.send("PATCH", policies+"/"+code, body, with("If-Match", tag),
		with("Content-Type", "application/merge-patch+json"))
	require.Equal(b, status, got.status, got.body)
	return read(b, got), got.header.Get("ETag")
}

// fields are the fields that a problem names.
func (s said) fields() (all []any) {
	list, _ := s["errors"].([]any)
	for _, e := range list {
		field, _ := e.(map[string]any)
		all = append(all, field["location"])
	}
	return all
}

// A policy is made, changed, retired and brought back; a save that names it obeys it as it is then.
func TestPolicyLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const spring = `{"code":"spring","name":"봄","validity_kind":"days","validity_days":30,"min_point":10,"max_point":100,"type_code":"EVT"}`
	got := b.send("POST", policies, spring)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	require.Equal(t, "/money/v1/policies/spring", got.header.Get("Location"))
	made := read(t, got)
	require.Equal(t, "ACTIVE", made["status"])
	require.NotContains(t, made, "max_hold")
	tag := got.header.Get("ETag")
	again := b.send("POST", policies, spring)
	require.Equal(t, []any{200, "true", tag},
		[]any{again.status, again.header.Get("Idempotency-Replayed"), again.header.Get("ETag")}, again.body)
	require.Equal(t, "policy_exists", read(t, b.send("POST", policies, strings.Replace(spring, "30", "31", 1)))["code"])

	const save = `{"amount":100,"policy_code":"spring","ref":"review 1"}`
	b.post(201, "/members/m/saves", "k1", save)
	edited, second := b.patch(200, "spring", tag,
		`{"max_point":99,"validity_days":null,"validity_kind":"month_end","valid_months":0,"type_code":null}`)
	require.NotEqual(t, tag, second)
	require.NotContains(t, edited, "validity_days")
	require.NotContains(t, edited, "type_code")
	b.post(200, "/members/m/saves", "k1", save)
	require.Equal(t, "bad_type_code", b.post(422, "/members/m/saves", "k2", save)["code"])
	require.Equal(t, "over_maximum",
		b.post(422, "/members/m/saves", "k2", strings.Replace(save, `"ref"`, `"type_code":"A","ref"`, 1))["code"])

	again2, third := b.patch(200, "spring", tag, `{"max_point":99}`)
	require.Equal(t, []any{second, edited}, []any{third, again2}, "what a patch makes is there already")
	require.Equal(t, "precondition_failed", first(b.patch(412, "spring", tag, `{"max_point":98}`))["code"])
	require.Equal(t, "precondition_failed", first(b.patch(412, "spring", `W/`+second, `{"max_point":98}`))["code"])
	retired, fourth := b.patch(200, "spring", `"77", `+second, `{"status":"INACTIVE"}`)
	require.Equal(t, "INACTIVE", retired["status"])
	require.Equal(t, "policy_inactive",
		b.post(422, "/members/m/saves", "k2", `{"amount":10,"policy_code":"spring","type_code":"A","ref":"r"}`)["code"])
	b.patch(200, "spring", "*", `{"status":"ACTIVE"}`)
	b.post(201, "/members/m/saves", "k2", `{"amount":10,"policy_code":"spring","type_code":"A","ref":"r"}`)
	require.NotEqual(t, fourth, b.send("GET", policies+"/spring", "").header.Get("ETag"))
	require.Contains(t, b.log.String(), `msg="a policy is changed"`)
	require.NotRegexp(t, `terms=.*0x[0-9a-f]{6}`, b.log.String(), "limits, and not where they lie")
}

func first(s said, _ string) said { return s }

// Policies are listed page by page in the order of their codes.
func TestPolicyList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, code := range []string{"b", "C", "a"} {
		b.policy(`{"code":"` + code + `","name":"x"}`)
	}
	b.patch(200, "b", "*", `{"status":"INACTIVE"}`)
	codes := func(query string) (codes []any, next any) {
		page := b.get("/policies" + query)
		list, _ := page["items"].([]any)
		for _, i := range list {
			item, _ := i.(map[string]any)
			codes = append(codes, item["code"])
		}
		return codes, page["next_cursor"]
	}
	all, next := codes("")
	require.Equal(t, []any{"C", "a", "b"}, all)
	require.Nil(t, next)
	active, _ := codes("?status=ACTIVE")
	require.Equal(t, []any{"C", "a"}, active)
	two, next := codes("?limit=2")
	require.Equal(t, []any{"C", "a"}, two)
	rest, _ := codes("?limit=2&cursor=" + next.(string)) //nolint:forcetypeassert // a page that is full has one
	require.Equal(t, []any{"b"}, rest)
}

// What cannot be is refused with all that is wrong, and nothing is written.
func TestBadPolicies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.policy(`{"code":"p","name":"P","validity_kind":"days","validity_days":30,"min_point":10}`)
	for name, c := range map[string]struct {
		method, path, body, tag string
		status                  int
		code                    string
		fields                  []any
	}{
		"all at once": {
			body:   `{"code":"a/b","name":" ","status":"GONE","validity_kind":"days","valid_months":1,"min_point":5,"max_point":4,"max_hold":0,"regrant_days":0,"type_code":"01234567890"}`,
			status: 422, code: "invalid",
			fields: []any{
				"body.code", "body.name", "body.status", "body.validity_days", "body.valid_months",
				"body.max_hold", "body.max_point", "body.max_hold", "body.regrant_days", "body.type_code",
			},
		},
		"nothing":                  {body: `{}`, status: 422, code: "invalid", fields: []any{"body.code", "body.name"}},
		"an unknown kind":          {body: `{"code":"q","name":"Q","validity_kind":"weeks"}`, status: 422, code: "invalid", fields: []any{"body.validity_kind"}},
		"days without a kind":      {body: `{"code":"q","name":"Q","validity_days":3}`, status: 422, code: "invalid", fields: []any{"body.validity_days"}},
		"too many days":            {body: `{"code":"q","name":"Q","validity_kind":"days","validity_days":36501}`, status: 422, code: "invalid", fields: []any{"body.validity_days"}},
		"half a day":               {body: `{"code":"q","name":"Q","validity_kind":"days","validity_days":1.5}`, status: 422, code: "invalid", fields: []any{"body.validity_days"}},
		"months below 0":           {body: `{"code":"q","name":"Q","validity_kind":"month_end","valid_months":-1}`, status: 422, code: "invalid", fields: []any{"body.valid_months"}},
		"30 February":              {body: `{"code":"q","name":"Q","validity_kind":"until","valid_until":"2126-02-30"}`, status: 422, code: "invalid", fields: []any{"body.valid_until"}},
		"a day that has passed":    {body: `{"code":"q","name":"Q","validity_kind":"until","valid_until":"2020-01-01"}`, status: 422, code: "invalid", fields: []any{"body.valid_until"}},
		"the end of time":          {body: `{"code":"q","name":"Q","validity_kind":"until","valid_until":"9999-12-31"}`, status: 422, code: "invalid", fields: []any{"body.valid_until"}},
		"10^15 + 1":                {body: `{"code":"q","name":"Q","max_hold":1000000000000001}`, status: 422, code: "invalid", fields: []any{"body.max_hold"}},
		"an unknown field":         {body: `{"code":"q","name":"Q","max":1}`, status: 400, code: "malformed", fields: []any{"body.max"}},
		"a name with NUL":          {body: `{"code":"q","name":"Q\u0000"}`, status: 422, code: "invalid", fields: []any{"body.name"}},
		"a patch of the code":      {method: "PATCH", path: "/p", tag: "*", body: `{"code":"q"}`, status: 400, code: "malformed", fields: []any{"body.code"}},
		"a patch without If-Match": {method: "PATCH", path: "/p", body: `{"name":"Q"}`, status: 428, code: "precondition_required"},
		"a patch of another state": {method: "PATCH", path: "/p", tag: `"9"`, body: `{"name":"Q"}`, status: 412, code: "precondition_failed"},
		"a tag that is none":       {method: "PATCH", path: "/p", tag: `9223372036854775808`, body: `{"name":"Q"}`, status: 412, code: "precondition_failed"},
		"a name that is cleared":   {method: "PATCH", path: "/p", tag: "*", body: `{"name":null,"status":null}`, status: 422, code: "invalid", fields: []any{"body.name", "body.status"}},
		"days of another kind":     {method: "PATCH", path: "/p", tag: "*", body: `{"validity_kind":"none","validity_days":4}`, status: 422, code: "invalid", fields: []any{"body.validity_days"}},
		"a bound against another":  {method: "PATCH", path: "/p", tag: "*", body: `{"max_point":9}`, status: 422, code: "invalid", fields: []any{"body.max_point"}},
		"text for a number":        {method: "PATCH", path: "/p", tag: "*", body: `{"max_point":"9"}`, status: 422, code: "invalid", fields: []any{"body.max_point"}},
		"no such policy":           {method: "PATCH", path: "/q", tag: "*", body: `{"name":"Q"}`, status: 404, code: "unknown_policy"},
		"a code with NUL":          {method: "GET", path: "/%00", status: 404, code: "unknown_policy"},
		"no such policy to show":   {method: "GET", path: "/q", status: 404, code: "unknown_policy"},
		"a limit of 0":             {method: "GET", path: "?limit=0", status: 400, code: "bad_request", fields: []any{"query.limit"}},
		"an unknown status":        {method: "GET", path: "?status=gone", status: 422, code: "bad_choice"},
		"a cursor with NUL":        {method: "GET", path: "?cursor=%00", status: 400, code: "bad_cursor"},
		"no deletion":              {method: "DELETE", path: "/p", status: 405, code: "method_not_allowed"},
	} {
		if c.method == "" {
			c.method = "POST"
		}
		got := b.send(c.method, policies+c.path, c.body, with("If-Match", c.tag))
		require.Equal(t, c.status, got.status, "%s: %s", name, got.body)
		s := read(t, got)
		require.Equal(t, c.code, s["code"], "%s: %s", name, got.body)
		require.Equal(t, c.fields, s.fields(), "%s: %s", name, got.body)
	}
	require.Equal(t, 1, b.count(`SELECT count(*) FROM money.point_master`))
	require.Equal(t, 1, b.count(`SELECT revision FROM money.point_master`))
	require.Equal(t, 415, b.send("POST", policies, `{}`, with("Content-Type", "application/merge-patch+json")).status)
}
