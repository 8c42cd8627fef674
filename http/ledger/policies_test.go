package ledger_test

import (
	"net/url"
	"testing"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const policiesURL = "/api/v1/ledger/policies"

// A policy is made once for a key, and stands in the audit with who made it and why. The same terms again are the same
// policy; other terms under its code are refused.
func TestCreatePolicy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body := `{"code": "review", "name": "Reviews", "validity_kind": "until", "valid_until": "2126-11-30", "min_point": 10,
		"max_point": 500, "max_hold": 1000, "regrant_days": 7, "type_code": "RV"}`
	want := api.Policy{
		Code: "review", CreatedAt: desktest.Noon, UpdatedAt: desktest.Noon, PolicyTerms: api.PolicyTerms{
			Name: "Reviews", Status: "ACTIVE", Validity: "until", Until: new("2126-11-30"), Min: new(int64(10)),
			Max: new(int64(500)), MaxHold: new(int64(1000)), RegrantDays: new(7), TypeCode: new("RV"),
		},
	}
	for replayed := range 2 {
		a := d.Post(policiesURL, body, "Idempotency-Key: k1", "X-Reason: spring")
		require.Equal(t, 201, a.StatusCode, a.Text)
		require.Equal(t, want, desktest.Decoded[api.Policy](a))
		require.Equal(t, replayed == 1, a.Header.Get("Idempotency-Replayed") == "true")
	}
	const audited = `SELECT count(*) FROM audit_log WHERE action = 'policy.create' AND object = 'policy review' AND actor = 'admin'
		AND after->>'max_point' = '500' AND after->>'valid_until' = '2126-11-30' AND reason IS NOT DISTINCT FROM $1 AND (before IS NULL) = $2`
	require.Equal(t, 1, d.Count(audited, "spring", true))
	require.Contains(t, d.Logged.String(), `msg="an accrual policy is made" policy=review by=admin`)

	require.Equal(t, 201, d.Post(policiesURL, body).StatusCode, "the same terms")
	require.Zero(t, d.Count(audited, nil, false), "nothing was changed")
	d.Post(policiesURL, `{"code": "review", "name": "Else"}`).Refused(409, "policy_exists")
	d.Post(policiesURL, `{"code": "review", "name": "Else"}`, "Idempotency-Key: k1").Refused(422, "key_reused")
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM audit_log WHERE action LIKE 'policy.%'`), "the order, and its outcome")
	require.Equal(t, want, desktest.Decoded[api.Policy](d.Get(policiesURL+"/review")))
}

// What cannot be read, and what the ledger refuses, is named field by field, and changes nothing.
func TestCreatePolicyRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for body, field := range map[string]string{
		`{"code": "", "name": "x"}`:                                "code",
		`{"code": "a", "name": "x", "valid_until": "30.11.2026"}`:  "valid_until",
		`{"code": "a", "name": "x", "min_point": 1.5}`:             "min_point",
		`{"code": "a", "name": "x", "max_hold": "1000"}`:           "max_hold",
		`{"code": "a", "name": "x", "valid_months": "1"}`:          "valid_months",
		`{"code": "a", "name": "x", "valid_until": "2026-11-31"}`:  "valid_until",
		`{"code": "a", "name": "x", "max_point": 99999999999e999}`: "max_point",
	} {
		p := d.Post(policiesURL, body).Refused(422, "invalid")
		require.Len(t, p.Errors, 1, body)
		require.Equal(t, "body."+field, p.Errors[0].Location, body)
	}
	for _, body := range []string{``, `null`, `[]`, `{`, `{"code": "a", "name": "x", "color": "red"}`} {
		d.Post(policiesURL, body).Refused(400, "malformed")
	}
	require.Empty(t, d.Book.Kept)
	require.Zero(t, d.Count(`SELECT count(*) FROM audit_log`))
}

// A policy is retired and brought back, each time with its audit, and not by who has read another state of it.
func TestPatchPolicy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Post(policiesURL, `{"code": "a.b_c-1", "name": "Reviews"}`)
	here := policiesURL + "/" + url.PathEscape("a.b_c-1")
	tag := d.Get(here).Header.Get("ETag")
	patch := func(status string, headers ...string) desktest.Answer {
		return d.Do("PATCH", here, `{"status": "`+status+`"}`, headers...)
	}
	a := patch("INACTIVE", "If-Match: "+tag, "X-Reason: the shop closes")
	require.Equal(t, "INACTIVE", desktest.Decoded[api.Policy](a).Status)
	require.NotEqual(t, tag, a.Header.Get("ETag"))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'policy.edit' AND object = 'policy a.b_c-1'
		AND before->>'status' = 'ACTIVE' AND after->>'status' = 'INACTIVE' AND reason = 'the shop closes'`))
	patch("ACTIVE", "If-Match: "+tag).Refused(412, "precondition_failed")
	require.Equal(t, ledger.Retired, d.Book.Kept[0].Status)
	require.Equal(t, 200, patch("INACTIVE", "If-Match: "+tag).StatusCode, "it is so already")
	require.Equal(t, 200, patch("ACTIVE").StatusCode)
	require.Equal(t, ledger.Active, d.Book.Kept[0].Status)

	patch("GONE").Refused(422, "invalid")
	d.Do("PATCH", here, `{"name": "Else"}`).Refused(400, "malformed")
	d.Do("PATCH", here, `{"status": null}`).Refused(422, "invalid")
	for _, none := range []string{"none", "%00", "%FF", "a%2Fb"} {
		d.Do("PATCH", policiesURL+"/"+none, `{"status": "ACTIVE"}`).Refused(404, "not_found")
		d.Get(policiesURL+"/"+none).Refused(404, "not_found")
	}
}

// A change that another one overtakes is tried again on what the other has made.
func TestPatchPolicyOvertaken(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Post(policiesURL, `{"code": "a", "name": "Reviews"}`)
	d.Book.Overtaken = 2
	require.Equal(t, 200, d.Do("PATCH", policiesURL+"/a", `{"status": "INACTIVE"}`).StatusCode)
	d.Book.Overtaken = 100
	d.Do("PATCH", policiesURL+"/a", `{"status": "ACTIVE"}`).Refused(503, "unavailable")
}

// The list comes in pages, in the order of the codes.
func TestPolicies(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, code := range []string{"c", "a", "b"} {
		d.Post(policiesURL, `{"code": "`+code+`", "name": "N"}`)
	}
	first := desktest.Decoded[api.Policies](d.Get(policiesURL + "?limit=2"))
	require.Len(t, first.Items, 2)
	require.Equal(t, "b", first.Items[1].Code)
	rest := desktest.Decoded[api.Policies](d.Get(policiesURL + "?limit=2&cursor=" + *first.NextCursor))
	require.Equal(t, "c", rest.Items[0].Code)
	require.Nil(t, rest.NextCursor)
	d.Get(policiesURL+"?cursor=x").Refused(400, "bad_request")
}

// While the ledger is away nothing of its policies is answered, and nothing is kept in the audit.
func TestPoliciesAway(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	d.Get(policiesURL).Refused(503, "unavailable")
	d.Get(policiesURL+"/a").Refused(503, "unavailable")
	d.Post(policiesURL, `{"code": "a", "name": "N"}`, "Idempotency-Key: k").Refused(503, "unavailable")
	d.Do("PATCH", policiesURL+"/a", `{"status": "ACTIVE"}`).Refused(503, "unavailable")
	require.Zero(t, d.Count(`SELECT count(*) FROM audit_log`))
	d.Book.Away = nil
	require.Equal(t, 201, d.Post(policiesURL, `{"code": "a", "name": "N"}`, "Idempotency-Key: k").StatusCode)
}
