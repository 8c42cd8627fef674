package http

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/http/api"
	"bestow/http/auth"
	"bestow/http/web"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// A database that is not there is 503 on every route, and says when to come again.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	d := setup(t)
	config, err := pgxpool.ParseConfig("postgres://nobody@127.0.0.1:1/none?connect_timeout=2")
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := d.serve(Config{App: desktest.NewApp(t, pool, nil), AdminKey: desktest.Key})
	for _, c := range []call{
		{"GET", "/api/v1/events", "", nil},
		{"GET", "/api/v1/events/1", "", nil},
		{"GET", "/api/v1/events/1/progress", "", nil},
		{"GET", "/api/v1/events/1/progress", "", []string{"Accept: text/event-stream"}},
		{"GET", "/api/v1/events/1/imports", "", nil},
		{"GET", "/api/v1/events/1/imports/1/rejected", "", nil},
		{"POST", "/api/v1/events", `{"campaign_id": "c", "event_type": "POINT"}`, nil},
		{"POST", "/api/v1/events/1/start", "", nil},
		{"POST", "/api/v1/events/1/targets", "member_id\nm\n", []string{"Content-Type: text/csv"}},
	} {
		a := d.doAt(s, c)
		require.NotContains(t, a.Refused(503, "unavailable").Detail, "127.0.0.1", c.path)
		require.Equal(t, "5", a.Header.Get("Retry-After"))
	}
}

// A database that goes away between two requests is no different.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Equal(t, 200, d.Get("/api/v1/events").StatusCode)
	d.SQL(`ALTER TABLE campaign_events RENAME TO gone`)
	p := d.Get("/api/v1/events").Refused(500, api.Internal) // ours, not the database's
	require.Contains(t, d.Logged.String(), p.RequestID)
	require.Equal(t, 1, strings.Count(d.Logged.String(), "request failed"))
}

// While every connection of the process is taken whoever asks is told to come again, an upload too, and afterwards all is
// answered as ever (F34).
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.PointEvent("c").ID
	config := d.Pool.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := d.serve(Config{App: desktest.NewApp(t, pool, nil), AdminKey: desktest.Key})
	taken, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	calls := []call{
		{"GET", "/api/v1/events", "", nil},
		{"GET", fmt.Sprintf("/api/v1/events/%d/progress", id), "", []string{"Accept: text/event-stream"}},
		{"POST", "/api/v1/events", `{"campaign_id": "c-exhausted", "event_type": "POINT"}`, nil},
		{"POST", fmt.Sprintf("/api/v1/events/%d/targets", id), "member_id,amount\nm,1\n", []string{"Content-Type: text/csv"}},
	}
	answers := make(chan answer, len(calls))
	for _, c := range calls {
		go func() { answers <- d.doAt(s, c) }()
	}
	for range calls {
		select {
		case a := <-answers:
			a.Refused(503, "unavailable")
			require.Equal(t, "5", a.Header.Get("Retry-After"))
		case <-time.After(2 * web.RequestTimeout):
			taken.Release()
			require.Fail(t, "somebody is not answered")
		}
	}
	taken.Release()
	for _, c := range calls {
		require.Less(t, d.doAt(s, c).StatusCode, 300, c.path)
	}
}

// A statement that the database breaks off, since it takes too long, is no fault either: nothing of it is kept (F34).
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.PointEvent("c").ID
	config := d.Pool.Config()
	config.ConnConfig.RuntimeParams["statement_timeout"] = "100ms"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := d.serve(Config{App: desktest.NewApp(t, pool, nil), AdminKey: desktest.Key})
	locked, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `LOCK TABLE campaign_events`)
	require.NoError(t, err)
	for _, c := range []call{
		{"GET", fmt.Sprintf("/api/v1/events/%d", id), "", nil},
		{"POST", "/api/v1/events", `{"campaign_id": "c-slow", "event_type": "POINT"}`, nil},
		{"POST", fmt.Sprintf("/api/v1/events/%d/start", id), "", nil},
	} {
		a := d.doAt(s, c)
		a.Refused(503, "unavailable")
		require.Equal(t, "5", a.Header.Get("Retry-After"))
	}
	require.Contains(t, d.Logged.String(), "SQLSTATE 57014")
	require.NoError(t, locked.Rollback(t.Context()))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events`))
}

// A panic is logged once, and the client is told nothing of it.
func TestPanic(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.serve(Config{App: d.App, AdminKey: desktest.Key, RiverUI: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/river/late" {
			_, _ = io.WriteString(w, "half of the ans")
			_ = http.NewResponseController(w).Flush()
		}
		panic("the secret is 42") //nolint:forbidigo // it is what is tested
	})})
	a := d.doAt(s, call{"GET", "/river", "", []string{"X-Request-Id: mine-1"}})
	a.Refused(500, api.Internal)
	require.Equal(t, "mine-1", a.Header.Get("X-Request-Id"))
	require.NotContains(t, a.Text, "42")
	require.Equal(t, 1, strings.Count(d.Logged.String(), "the secret is 42"))
	require.Contains(t, d.Logged.String(), "request_id=mine-1")

	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/river/late", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+desktest.Key)
	res, err := s.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	_, err = io.ReadAll(res.Body)
	require.Error(t, err, "half an answer must not look whole")
}

// A body that stands still, or ends early, is the client's fault, and takes nobody's time for ever.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for want, closes := range map[string]bool{`"code":"request_timeout"`: false, `"code":"malformed"`: true} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.Listener.Addr().String())
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Content-Length: 100\r\n\r\n{", desktest.Key)
		require.NoError(t, err)
		if closes {
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		}
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), want)
		require.NoError(t, conn.Close())
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Len(t, d.Get("/api/v1/events").Header.Get("X-Request-Id"), 26)
	require.Equal(t, "a.b-c_1", d.Get("/api/v1/events", "X-Request-Id: a.b-c_1").Header.Get("X-Request-Id"))
	for _, odd := range []string{strings.Repeat("x", 65), "a b", `"`, "\u00e9"} {
		require.Len(t, d.Get("/api/v1/events", "X-Request-Id: "+odd).Header.Get("X-Request-Id"), 26, odd)
	}
}

// A forged address is not believed, and the query, where members may stand, is not logged.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Get("/api/v1/events?campaign_id=somebody", "X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Request-Id: here")
	require.Contains(t, d.Logged.String(), "method=GET path=/api/v1/events status=200")
	require.Contains(t, d.Logged.String(), "remote=127.0.0.1 request_id=here")
	require.NotContains(t, d.Logged.String(), "6.6.6.6")
	require.NotContains(t, d.Logged.String(), "somebody")
	require.NotContains(t, d.Logged.String(), desktest.Key)
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	d := setup(t)
	doc, err := OpenAPI()
	require.NoError(t, err)
	served := d.Get("/api/v1/openapi.json", "Authorization: ")
	require.Equal(t, string(doc), served.Text)
	var parsed struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(doc, &parsed))
	require.Equal(t, "post-events-id-targets", parsed.Paths["/events/{id}/targets"]["post"].OperationID)
	docs := d.Get("/api/v1/docs", "Authorization: ")
	require.Equal(t, 200, docs.StatusCode)
	for path := range parsed.Paths {
		require.Contains(t, docs.Text, path)
	}
	headings := regexp.MustCompile(`<h2 id="[a-z-]+">([A-Za-z ]+)</h2>`).FindAllStringSubmatch(docs.Text, -1)
	titles := make([]string, len(headings))
	for i, h := range headings {
		titles[i] = h[1]
	}
	require.Equal(t, []string{"Events", "Member lists", "Results", "Proof", "Brake", "Event types", "Installation", "Keys and audit", "Ledger"}, titles)
	require.Regexp(t, `(?s)<code>POST /events</code>.*<code>POST /events/\{id\}/start</code>.*<code>POST /events/\{id\}/targets</code>`, docs.Text)
	for _, field := range []string{
		"<code>campaign_id</code></td><td>body</td><td>text; required</td>",
		"<code>partition_count</code></td><td>body</td><td>1 to 64</td>",
		"<code>event_status</code></td><td>query</td><td>PENDING, RUNNING, COMPLETED, STOPPED, FAILED</td><td>in any letter case; several",
		"<code>text/csv</code></td><td>body</td>",
	} {
		require.Contains(t, docs.Text, field)
	}
	require.NotContains(t, docs.Text, "`")
	require.NotContains(t, docs.Text, "https://")
	require.Equal(t, 1, strings.Count(docs.Text, "<script"), "its own")
	require.Contains(t, docs.Text, `<script src="/api/v1/docs.js">`)
	require.Contains(t, docs.Header.Get("Content-Security-Policy"), "script-src 'self'; connect-src 'self'")
	script := d.Get("/api/v1/docs.js", "Authorization: ")
	require.Equal(t, 200, script.StatusCode)
	require.Contains(t, script.Header.Get("Content-Type"), "text/javascript")
	require.NotContains(t, script.Text, "://", "nothing of another site")
}

// The description that is checked in is that of the routes: a change of the API is seen in review. After one:
// BESTOW_TEST_GOLDEN=1 go test ./http -run TestOpenAPIIsCheckedIn
func TestOpenAPIIsCheckedIn(t *testing.T) {
	t.Parallel()
	const path = "../docs/openapi.json"
	got, err := OpenAPI()
	require.NoError(t, err)
	if os.Getenv("BESTOW_TEST_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A browser that opens the service's address is led to the console, which leads to the other pages (P15).
func TestFrontPage(t *testing.T) {
	t.Parallel()
	d := setup(t)
	browser := []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}
	front := d.Get("/", browser...)
	require.Equal(t, 200, front.StatusCode, front.Text)
	require.Equal(t, "/console", front.Request.URL.Path)
	require.Contains(t, front.Text, `<a href="/api/v1/docs">`)
	require.NotContains(t, front.Text, `"/river/`, "there is none here")
	with := d.doAt(d.serve(Config{App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage}), call{"GET", "/", "", browser})
	require.Contains(t, with.Text, `<a href="/river/">`)
	anyone := d.Get("/", append(browser, "Authorization: ")...)
	require.Equal(t, "/console/sign-in", anyone.Request.URL.Path)
	for _, path := range []string{"/none", "/river"} {
		require.NotEqual(t, 200, d.Get(path, append(browser, "Authorization: ")...).StatusCode, path)
	}
	require.NotEqual(t, 200, d.do(call{"POST", "/", "", browser}).StatusCode)
}

func TestOps(t *testing.T) {
	t.Parallel()
	d := setup(t)
	healthy := true
	ready := Checks{"postgresql": func(context.Context) error { return nil }, "kafka": func(context.Context) error {
		if healthy {
			return nil
		}
		return errors.New("dial 10.0.0.1: password of admin is wrong")
	}}
	away := errors.New("nobody answers")
	waits := Checks{"money": func(context.Context) error { return away }}
	ops := desktest.Listen(t, NewOps(OpsConfig{Ready: ready, Waits: waits, Log: slog.New(slog.DiscardHandler)}))
	get := func(path string) answer { return d.doAt(ops, call{"GET", path, "", []string{"Authorization: "}}) }
	require.Equal(t, `{"ok":true,"waits_for":["money"]}`, get("/readyz").Text)
	require.Equal(t, 200, get("/readyz").StatusCode, "requests do not wait for it")
	away = nil
	require.Equal(t, `{"ok":true}`, get("/readyz").Text)
	require.Equal(t, 200, get("/livez").StatusCode)
	require.Contains(t, get("/metrics").Text, "go_goroutines")
	require.Equal(t, 200, get("/debug/pprof/").StatusCode)
	require.Equal(t, 404, get("/api/v1/events").StatusCode)
	healthy = false
	a := get("/readyz")
	require.Equal(t, 503, a.StatusCode)
	require.Equal(t, `{"ok":false,"failed":["kafka"]}`, a.Text, "and not why")
	require.Equal(t, 200, get("/livez").StatusCode, "a process is not killed for what it waits for")
}

// Serve lets what is under way finish, ends streams at once, and cuts off what does not end.
func TestServeStops(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	a := desktest.NewApp(t, pool, nil)
	e, err := a.Events.Create(t.Context(), callerOf("t"), newPointEvent("c"))
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, e.Value.ID)
	require.NoError(t, err)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() {
		served <- Serve(ctx, l, handler(t, Config{App: a, AdminKey: desktest.Key, Log: log}), 30*time.Second, log)
	}()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String()+desktest.EventURL(e.Value.ID)+"/progress", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+desktest.Key)
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(lines)
	require.NoError(t, err, "a stream ends, it is not cut")
	require.NoError(t, <-served)
}

func TestServeCutsOff(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	begun, gone := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(gone)
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h, time.Millisecond, slog.New(slog.DiscardHandler)) }()
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String(), nil)
		if err == nil {
			res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			if err == nil {
				_ = res.Body.Close()
			}
		}
	}()
	<-begun
	cancel()
	require.NoError(t, <-served)
	<-gone
}

func callerOf(name string) command.Caller { return command.Caller{Actor: name} }

func newPointEvent(campaign string) app.NewEvent {
	return app.NewEvent{CampaignID: campaign, EventType: "POINT"}
}

// A server that lacks something says what, and one without a logger logs nothing.
func TestConfigSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	require.EqualError(t, err, "configure API: App is missing")
	_, err = auth.New(auth.Config{})
	require.EqualError(t, err, "configure guard: RuleOf is missing")
	_, err = auth.New(auth.Config{RuleOf: func(string, string) auth.Rule { return auth.Rule{} }})
	require.EqualError(t, err, "configure guard: API is missing")
	w := httptest.NewRecorder()
	handler(t, Config{App: desktest.NewApp(t, pgtest.New(t), nil)}).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, prefix+"/events", nil))
	require.Equal(t, 401, w.Code)
}
