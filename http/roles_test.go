package http

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/app/access"
	"bestow/app/command"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/auth"
	"bestow/internal/desktest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// keyOf makes a key of the role, and returns the header that sends it.
func (d *desk) keyOf(role domain.Role) string {
	d.Helper()
	k, err := d.App.Access.Create(d.Context(), command.Caller{Actor: "test"},
		access.NewKey{Name: "a-" + string(role), Role: role})
	require.NoError(d, err)
	return "Authorization: Bearer " + k.Secret
}

// statusAt returns the status of the answer, whose body it leaves: that of a stream has no end.
func (d *desk) statusAt(s *httptest.Server, method, path, key string) int {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, s.URL+path, nil)
	require.NoError(d, err)
	name, value, _ := strings.Cut(key, ": ")
	req.Header.Set(name, value)
	req.Header.Set("Accept", "application/json")
	res, err := s.Client().Do(req)
	require.NoError(d, err)
	require.NoError(d, res.Body.Close())
	return res.StatusCode
}

// What each role may do stands in testdata/roles.txt (S1): the status that each route answers to a request without a
// body, about things that do not exist. BESTOW_TEST_GOLDEN=1 writes the file anew.
func TestRoles(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.serve(Config{App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage})
	routes := handler(t, Config{
		App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage, Log: slog.New(slog.DiscardHandler),
	}).(*echo.Echo).Routes()
	slices.SortFunc(routes, func(a, b *echo.Route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	var keys []string
	for _, role := range domain.Roles() {
		keys = append(keys, d.keyOf(role))
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-7s%-52s%9s%9s%9s%9s\n", "", "", "viewer", "operator", "approver", "admin")
	for _, r := range routes {
		known := []string{"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"}
		if !slices.Contains(known, r.Method) || strings.HasPrefix(r.Path, "/river") && r.Method != "GET" {
			continue
		}
		path := strings.NewReplacer(":import_id", "99", ":upload_id", "99", ":id", "99", ":code", "NONE", "*", "jobs").Replace(r.Path)
		fmt.Fprintf(&table, "%-7s%-52s", r.Method, r.Path)
		for _, key := range keys {
			fmt.Fprintf(&table, "%9d", d.statusAt(s, r.Method, path, key))
		}
		table.WriteByte('\n')
	}
	const golden = "testdata/roles.txt"
	if os.Getenv("BESTOW_TEST_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, []byte(table.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), table.String())
}

// A refusal says which role the key has, and which it needs.
func TestForbidden(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p := d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "POINT"}`, d.keyOf(domain.Viewer)).
		Refused(403, api.Forbidden)
	require.Equal(t, "viewer", p.Role)
	require.Equal(t, []string{"operator", "approver", "admin"}, p.Needs)
	require.Zero(t, d.Count(`SELECT count(*) FROM campaign_events`))
}

// A key that an admin makes works at once, stands in created_by, and is refused when it is revoked.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	d := setup(t)
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := d.Post("/api/v1/keys", `{"name": "crm", "role": "operator", "expires_at": "`+expires.Format(time.RFC3339)+`"}`)
	require.Equal(t, 201, a.StatusCode, a.Text)
	k := desktest.Decoded[api.MadeKey](a)
	require.Equal(t, expires, k.ExpiresAt)
	require.True(t, strings.HasPrefix(k.Secret, k.Prefix))
	key := "Authorization: Bearer " + k.Secret
	a = d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "POINT"}`, key, "X-Reason: 봄 행사")
	require.Equal(t, 201, a.StatusCode, a.Text)
	require.Equal(t, "crm", desktest.Decoded[api.Event](a).CreatedBy)
	list := d.Get("/api/v1/keys")
	require.NotContains(t, list.Text, k.Secret)
	require.NotNil(t, desktest.Decoded[api.Keys](list).Items[0].LastUsedAt)
	revoked := d.do(call{"DELETE", fmt.Sprintf("/api/v1/keys/%d", k.ID), "", nil})
	require.Equal(t, 204, revoked.StatusCode)
	d.Get("/api/v1/events", key).Refused(401, api.Unauthorized)
	d.do(call{"DELETE", "/api/v1/keys/99", "", nil}).Refused(404, domain.NotFound)

	page := desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit"))
	require.Len(t, page.Items, 3)
	require.Equal(t, "key.revoke", page.Items[0].Action)
	require.Equal(t, "admin", page.Items[0].Actor)
	made := page.Items[1]
	require.Equal(t, "event.create", made.Action)
	require.Equal(t, "crm", made.Actor)
	require.Equal(t, k.ID, *made.KeyID)
	require.Equal(t, "봄 행사", *made.Reason)
	require.NotEmpty(t, *made.RequestID)
	require.Contains(t, string(made.After), `"campaign_id":"a"`)
	require.Empty(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?actor=nobody")).Items)
	require.Len(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?action=event.create&actor=crm")).Items, 1)
	require.Empty(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?since=2100-01-01T00:00:00Z")).Items)
	require.Len(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?until=2100-01-01T00:00:00Z")).Items, 3)
	require.Empty(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?until=2000-01-01T00:00:00Z")).Items)
	require.Len(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?object=of+crm")).Items, 2)
	first := desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?limit=1"))
	second := desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?limit=5&cursor=" + *first.NextCursor))
	require.Len(t, second.Items, 2)
	require.Nil(t, second.NextCursor)
}

// Bad keys are refused by all their fields, and a repeated request makes no second key.
func TestKeyRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p := d.Post("/api/v1/keys", `{"role": "owner", "expires_at": "2020-01-01T00:00:00Z"}`).Refused(422, domain.Invalid)
	require.Len(t, p.Errors, 3)
	body := `{"name": "crm", "role": "viewer"}`
	require.Equal(t, 201, d.Post("/api/v1/keys", body, "Idempotency-Key: one").StatusCode)
	d.Post("/api/v1/keys", body, "Idempotency-Key: one").Refused(409, domain.KeyShown)
	d.Post("/api/v1/keys", `{"name": "crm", "role": "admin"}`).Refused(409, domain.NameTaken)
	d.Get("/api/v1/events", "X-Reason: "+strings.Repeat("a", 501))
	d.Post("/api/v1/keys", body, "X-Reason: "+strings.Repeat("a", 501)).Refused(400, api.BadRequest)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM api_keys`))
}

// A key that sends too many requests is told to wait, other keys are not, and a stop never is.
func TestRequestsPerKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.serve(Config{App: d.App, AdminKey: desktest.Key, PerKey: auth.KeyLimit{Burst: 3, PerSecond: 0.001}})
	key, other := d.keyOf(domain.Operator), d.keyOf(domain.Viewer)
	for range 3 {
		require.Equal(t, 200, d.doAt(s, call{"GET", "/api/v1/events", "", []string{key}}).StatusCode)
	}
	a := d.doAt(s, call{"GET", "/api/v1/events", "", []string{key}})
	a.Refused(429, api.TooManyRequests)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Equal(t, 200, d.doAt(s, call{"GET", "/api/v1/events", "", []string{other}}).StatusCode)
	for _, path := range []string{"/api/v1/events/99/stop", "/api/v1/brake", "/api/v1/stop-all"} {
		a := d.doAt(s, call{"POST", path, `{"memo": ""}`, []string{key}})
		require.NotEqual(t, http.StatusTooManyRequests, a.StatusCode, path)
	}
	for range 10 {
		require.Equal(t, 200, d.doAt(s, call{"GET", "/api/v1/events", "", nil}).StatusCode, "BESTOW_ADMIN_KEY")
	}
}

// Every change by a person leaves one row in the audit, in the transaction of the change, and a repetition none.
func TestEveryChangeIsRecorded(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	d.Members(e.ID, 5)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, retry_count)
		SELECT event_id, member_id, amount, 'FAILED', 'later', 1 FROM point_targets ORDER BY id LIMIT 1`)
	for _, c := range []call{
		{"POST", desktest.EventURL(e.ID) + "/start", "", nil},
		{"POST", desktest.EventURL(e.ID) + "/start", "", nil}, // changes nothing
		{"POST", desktest.EventURL(e.ID) + "/stop", `{"memo": "wrong list"}`, nil},
		{"POST", desktest.EventURL(e.ID) + "/resume", "", nil},
		{"POST", desktest.EventURL(e.ID) + "/retry", `{"error_code": "latr"}`, nil}, // changes nothing
		{"POST", desktest.EventURL(e.ID) + "/retry", `{}`, nil},
		{"POST", "/api/v1/brake", `{"scope": "all", "memo": "fire"}`, nil},
		{"POST", "/api/v1/brake/release", `{"scope": "all", "memo": "out"}`, nil},
		{"POST", "/api/v1/brake/release", `{"scope": "all", "memo": "out"}`, nil}, // changes nothing
		{"PATCH", "/api/v1/event-types/POINT", `{"label": "Points"}`, nil},
	} {
		a := d.do(c)
		require.Less(t, a.StatusCode, 300, "%s %s: %s", c.method, c.path, a.Text)
	}
	other := d.PointEvent("b")
	a := d.do(call{"PATCH", desktest.EventURL(other.ID), `{"default_reason": "spring"}`, []string{"If-Match: *"}})
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Equal(t, 204, d.do(call{"DELETE", desktest.EventURL(other.ID), "", nil}).StatusCode)
	var told []string
	page := desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit"))
	for _, c := range page.Items {
		told = append(told, c.Action+" "+c.Object)
	}
	slices.Reverse(told)
	require.Equal(t, []string{
		"event.create event 1", "import.add import 1 of event 1", "event.start event 1", "event.stop event 1",
		"event.resume event 1", "event.retry event 1", "brake.engage brake all", "brake.release brake all",
		"type.edit event type POINT", "event.create event 2", "event.edit event 2", "event.delete event 2",
	}, told)
	require.Len(t, desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?event_id=2")).Items, 3)
	stop := page.Items[len(page.Items)-4]
	require.Equal(t, "wrong list", *stop.Reason)
	require.JSONEq(t, `{"event_status": "RUNNING"}`, string(stop.Before))
	require.JSONEq(t, `{"event_status": "STOPPED"}`, string(stop.After))
}
