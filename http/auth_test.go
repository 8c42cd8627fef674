package http

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"bestow/http/api"
	"bestow/http/auth"
	"bestow/internal/desktest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// jobsPage stands for the River UI.
var jobsPage = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "jobs") })

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// No route answers without the key but those that stand here.
func TestEveryRouteAsksForTheKey(t *testing.T) {
	t.Parallel()
	open := map[string]int{
		"GET /api/v1/openapi.json": 200, "GET /api/v1/docs": 200, "GET /api/v1/docs.js": 200,
		"POST /api/v1/session": 400, "POST /api/v1/invites/open": 400, "POST /api/v1/invites/accept": 400, // no body
		"GET /invite": 200, "POST /invite": 400,
		"GET /console/enter":   401,                               // it leads to a page, which asks who it is
		"GET /console/sign-in": 200, "POST /console/sign-in": 401, // no password
		"POST /console/look":        401, // it leads to a page, which asks who it is
		"GET /console/assets/:name": 404,
		"GET /auth/oidc/start":      404, "GET /auth/oidc/callback": 404, // no provider is set
	}
	d := setup(t)
	s := d.serve(Config{
		App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage,
		Guesses: auth.GuessLimits{AddressBurst: 1e9, AllBurst: 1e9, AddressPerSecond: 1e9, AllPerSecond: 1e9},
	})
	routes := handler(t, Config{
		App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage,
		Log: slog.New(slog.DiscardHandler),
	}).(*echo.Echo).Routes()
	require.Greater(t, len(routes), 10)
	seen := 0
	for _, r := range routes {
		path := strings.NewReplacer(":import_id", "1", ":id", "1", "*", "x").Replace(r.Path)
		if r.Method == "echo_route_not_found" || r.Method == http.MethodConnect {
			continue
		}
		if status, isOpen := open[r.Method+" "+r.Path]; isOpen {
			a := d.doAt(s, call{r.Method, path, "", []string{"Authorization: "}})
			require.Equal(t, status, a.StatusCode, path)
			seen++
			continue
		}
		for _, header := range []string{
			"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + desktest.Key + "x", "bearer",
			desktest.Key, "Token " + desktest.Key,
		} {
			a := d.doAt(s, call{r.Method, path, "", []string{"Authorization: " + header}})
			require.Equal(t, http.StatusUnauthorized, a.StatusCode, "%s %s %q", r.Method, path, header)
			require.Contains(t, strings.Join(a.Header.Values("WWW-Authenticate"), " "), `Bearer realm="bestow"`)
			if r.Method != http.MethodHead {
				require.NotContains(t, a.Refused(401, api.Unauthorized).Detail, desktest.Key)
			}
		}
	}
	require.Equal(t, len(open), seen)
	for _, path := range []string{"/", "/api/v1/none", "/api/v1/events/1/none", "/console"} {
		d.doAt(s, call{"GET", path, "", []string{"Authorization: "}}).Refused(401, api.Unauthorized)
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Equal(t, 200, d.Get("/api/v1/events", "Authorization: bearer "+desktest.Key).StatusCode,
		"the scheme has no case")
	a := d.Get("/api/v1/events", basic("admin", desktest.Key))
	a.Refused(401, api.Unauthorized)
	require.NotContains(t, strings.Join(a.Header.Values("WWW-Authenticate"), " "), "Basic",
		"a password is for pages only")
}

func TestWithoutAnyKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.serve(Config{App: d.App})
	for _, header := range []string{"", "Bearer ", "Bearer x"} {
		p := d.doAt(s, call{"GET", "/api/v1/events", "", []string{"Authorization: " + header}}).Refused(401,
			api.Unauthorized)
		require.Contains(t, p.Hint, "BESTOW_ADMIN_KEY")
	}
}

// S6: the River UI takes the key as a header, or as a password from a browser, but not from another site's page.
func TestRiver(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.serve(Config{App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage})
	for _, path := range []string{"/river", "/river/", "/river/api/jobs"} {
		a := d.doAt(s, call{"GET", path, "", []string{"Authorization: "}})
		a.Refused(401, api.Unauthorized)
		require.Equal(t, `Basic realm="bestow", charset="UTF-8"`, a.Header.Values("WWW-Authenticate")[0],
			"so that a browser asks")
		d.doAt(s, call{"GET", path, "", []string{basic("", "wrong")}}).Refused(401, api.Unauthorized)
		for _, header := range []string{"Authorization: Bearer " + desktest.Key, basic("anybody", desktest.Key)} {
			a := d.doAt(s, call{"GET", path, "", []string{header}})
			require.Equal(t, "jobs", a.Text)
			require.Equal(t, "DENY", a.Header.Get("X-Frame-Options"))
			require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'self'")
		}
	}
	cancel := func(headers ...string) answer {
		return d.doAt(s, call{"POST", "/river/api/jobs/cancel", "{}", append(headers, basic("a", desktest.Key))})
	}
	cancel("Sec-Fetch-Site: cross-site").Refused(403, api.CrossSite)
	cancel("Origin: https://evil.example").Refused(403, api.CrossSite)
	require.Equal(t, 200, cancel("Sec-Fetch-Site: same-origin").StatusCode)
	d.Get("/river").Refused(404, "not_found") // this one has none
}

func TestSecureHeaders(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, path := range []string{"/api/v1/events", "/api/v1/docs", "/nothing"} {
		h := d.Get(path).Header
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
		require.Empty(t, h.Get("Access-Control-Allow-Origin"))
	}
}
