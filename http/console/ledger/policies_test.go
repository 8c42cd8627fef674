package ledger_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// keep puts a policy into the ledger.
func keep(d *consoletest.Desk, code string, t ledger.Terms) {
	t.Status = ledger.Active
	d.Book.Kept = append(d.Book.Kept, ledger.Policy{Code: code, Terms: t, CreatedAt: desktest.Noon, UpdatedAt: desktest.Noon})
}

// All see the policies and what they allow; those who may not change them see the buttons locked, and are refused.
func TestPolicies(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Operator)
	require.Contains(t, b.Get(here).Text, "There is no policy yet")
	keep(d, "a", ledger.Terms{Name: "For ever"})
	keep(d, "b", ledger.Terms{Name: "<b>Year</b>", Days: new(365), Min: new(int64(100)), Max: new(int64(5000)), MaxHold: new(int64(100_000))})
	keep(d, "c", ledger.Terms{Name: "This month", Months: new(0), Min: new(int64(1000))})
	keep(d, "d", ledger.Terms{Name: "Next month", Months: new(1), Max: new(int64(2000))})
	keep(d, "e", ledger.Terms{Name: "Christmas", Until: "2026-12-25"})
	d.Book.Kept[4].Status = ledger.Retired
	p := b.Get(here)
	for _, want := range []string{
		"no expiry", "365 days", "100 – 5,000 P", "100,000", "end of the month of the save", "1,000 P or more",
		"end of the next month", "2,000 P at most", "until 2026-12-25", "Retired", "&lt;b&gt;Year&lt;/b&gt;",
	} {
		require.Contains(t, p.Text, want)
	}
	require.Contains(t, strings.Join(strings.Fields(p.Text), " "), `commandfor="d-policy" aria-disabled="true"`)
	require.NotContains(t, p.Text, `action="/console/ledger/policies`)
	require.Equal(t, http.StatusForbidden, b.Post(here+"/policies", "code", "x", "name", "x").StatusCode)
	require.Equal(t, http.StatusForbidden, b.Post(here+"/policies/a", "status", "INACTIVE").StatusCode)
	require.Len(t, d.Book.Kept, 5)
}

// The policies come in pages.
func TestPolicyPages(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	for n := range 51 {
		keep(d, fmt.Sprintf("p%02d", n), ledger.Terms{Name: "N"})
	}
	first := b.Get(here).Text
	require.Contains(t, first, `href="/console/ledger?after=p49"`)
	require.NotContains(t, first, ">p50<")
	rest := b.Get(here + "?after=p49").Text
	require.Contains(t, rest, ">p50<")
	require.NotContains(t, rest, "?after=")
	require.Equal(t, 400, b.Get(here+"?after=%00").StatusCode)
}

// An admin makes a policy once, with a reason that the audit keeps; what was typed into a form that is refused stays.
func TestPolicyByForm(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	form := func(change ...string) []string {
		fields := []string{
			"once", "a", "code", "review", "name", "Reviews", "validity_kind", "days", "validity_days", "365", "valid_until", "",
			"valid_months", "", "min_point", "10", "max_point", "5,000", "max_hold", "", "type_code", "RV", "reason", "spring \u1107\u1169\u11b7", // as macOS spells it
		}
		return append(fields, change...)
	}
	for _, change := range [][]string{
		{"max_point", "lots"},
		{"validity_days", "1.5"},
		{"valid_until", "25.12."},
		{"code", ""},
		{"reason", strings.Repeat("x", 501)},
		{"reason", "a\x00b"},
	} {
		wrong := b.Post(here+"/policies", form(change...)...)
		require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode, change)
		require.Regexp(t, `id="d-policy"[^>]* data-open`, wrong.Text)
		require.Contains(t, wrong.Text, `value="Reviews"`, "what was typed stays")
	}
	require.Empty(t, d.Book.Kept)
	for range 2 {
		b.Led(b.Post(here+"/policies", form()...), here+"?done=policy_made")
	}
	require.Equal(t, []ledger.Policy{{
		Code: "review", CreatedAt: desktest.Noon, UpdatedAt: desktest.Noon, Terms: ledger.Terms{
			Name: "Reviews", Status: ledger.Active, Validity: "days", Days: new(365), Min: new(int64(10)), Max: new(int64(5000)),
			TypeCode: "RV",
		},
	}}, d.Book.Kept)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'policy.create' AND actor = 'a-admin' AND reason = 'spring 봄'`))
	taken := b.Post(here+"/policies", form("once", "b", "name", "Else")...)
	require.Equal(t, http.StatusConflict, taken.StatusCode)
	require.Contains(t, taken.Text, "There is a policy of that code")
}

// An admin retires a policy and brings it back. A form that is older than the last change changes nothing.
func TestPolicyRetires(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	keep(d, "review", ledger.Terms{Name: "Reviews"})
	const path = here + "/policies/review"
	field := func(name string) string {
		return strings.ReplaceAll(b.Field(b.Get(here), path, name), "&#34;", `"`)
	}
	seen := field("seen")
	b.Led(b.Post(path, "once", "a", "seen", seen, "status", field("status"), "reason", "over"), here+"?done=policy_retired")
	require.Equal(t, ledger.Retired, d.Book.Kept[0].Status)
	stale := b.Post(path, "once", "b", "seen", seen, "status", "ACTIVE")
	require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode)
	require.Contains(t, stale.Text, "Another person has changed it meanwhile")
	require.Equal(t, ledger.Retired, d.Book.Kept[0].Status)
	require.Equal(t, "ACTIVE", field("status"))
	b.Led(b.Post(path, "once", "c", "seen", field("seen"), "status", "ACTIVE"), here+"?done=policy_restored")
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'policy.edit' AND object = 'policy review'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'policy.edit' AND reason = 'over'`))

	require.Equal(t, 422, b.Post(path, "once", "d", "status", "GONE").StatusCode)
	require.Equal(t, 422, b.Post(path, "once", "e", "status", "ACTIVE", "reason", "\xff").StatusCode)
	for _, code := range []string{"none", "%00", "%FF", strings.Repeat("A", 300)} {
		require.Equal(t, 404, b.Post(here+"/policies/"+code, "status", "ACTIVE").StatusCode, code)
	}
}

// A form that the ledger does not answer to says so, and keeps nothing.
func TestPolicyFormWhileAway(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	b.Faulty = true
	p := b.Post(here+"/policies", "once", "a", "code", "a", "name", "N")
	require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
	require.NotEmpty(t, p.Header.Get("Retry-After"))
	require.Zero(t, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'policy.create'`))
}
