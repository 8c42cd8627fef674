package http

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/http/api"
	"bestow/internal/logtest"
	"bestow/internal/pgtest"
	"bestow/jobs"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const testKey = "the-admins-key"

const prefix = "/api/v1"

func eventURL(id int64) string { return fmt.Sprintf("%s/events/%d", prefix, id) }

// desk is a listener on a database of the test's own.
type desk struct {
	testing.TB
	*httptest.Server
	pool *pgxpool.Pool
	app  *app.App
	log  *logtest.Log
}

// noSealer stands for a master key, where nothing is sealed.
type noSealer struct{}

func (noSealer) Seal(_ context.Context, _ pgx.Tx, _ int64, _, pins []string) ([]string, error) {
	return pins, nil
}

func newApp(tb testing.TB, pool *pgxpool.Pool, sealer grants.Sealer) *app.App {
	tb.Helper()
	return newAppWith(tb, pool, sealer, app.DefaultLimits())
}

func newAppWith(tb testing.TB, pool *pgxpool.Pool, sealer grants.Sealer, limits app.Limits) *app.App {
	tb.Helper()
	inserter, err := jobs.NewInserter(pool)
	require.NoError(tb, err)
	a, err := app.New(app.Deps{Pool: pool, River: inserter, Sealer: sealer, Limits: limits})
	require.NoError(tb, err)
	return a
}

func setup(t *testing.T) *desk {
	t.Helper()
	pool := pgtest.New(t)
	d := &desk{TB: t, pool: pool, app: newApp(t, pool, noSealer{}), log: &logtest.Log{}}
	d.Server = d.serve(Config{App: d.app, AdminKey: testKey})
	return d
}

// in is the same desk in a subtest.
func (d *desk) in(t *testing.T) *desk {
	t.Helper()
	c := *d
	c.TB = t
	return &c
}

// count is a number that the database knows.
func (d *desk) count(query string, args ...any) (n int) {
	d.Helper()
	require.NoError(d, d.pool.QueryRow(d.Context(), query, args...).Scan(&n))
	return n
}

// sql changes the database behind everybody's back.
func (d *desk) sql(change string, args ...any) {
	d.Helper()
	_, err := d.pool.Exec(d.Context(), change, args...)
	require.NoError(d, err)
}

// awaitLock waits until a session of the database waits for a lock.
func (d *desk) awaitLock() {
	d.Helper()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	require.Eventually(d, func() bool { return d.count(waiting) > 0 }, 20*time.Second, 10*time.Millisecond)
}

// serve starts another listener of the same test.
func (d *desk) serve(c Config) *httptest.Server {
	c.Log = d.logger()
	return newListener(d, New(c))
}

func (d *desk) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newListener(tb testing.TB, h http.Handler) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s
}

// call is one request, with the key unless a header says otherwise; headers are "Name: value".
type call struct {
	method, path, body string
	headers            []string
}

// answer holds what came back.
type answer struct {
	testing.TB
	*http.Response
	body string
}

func (d *desk) do(c call) answer {
	d.Helper()
	return d.doAt(d.Server, c)
}

func (d *desk) doAt(s *httptest.Server, c call) answer {
	d.Helper()
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(d.Context(), c.method, s.URL+c.path, body)
	require.NoError(d, err)
	req.Header.Set("Authorization", "Bearer "+testKey)
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range c.headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := s.Client().Do(req)
	require.NoError(d, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(d, err)
	requireDocumented(d, c, res)
	return answer{d, res, string(text)}
}

// described holds what the API's description says of each route: method and path, then its statuses.
var described = sync.OnceValues(func() (map[string]map[string]bool, error) {
	doc, err := OpenAPI()
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Paths map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(doc, &parsed); err != nil {
		return nil, err
	}
	routes := map[string]map[string]bool{}
	for path, methods := range parsed.Paths {
		for method, op := range methods {
			statuses := map[string]bool{}
			for status := range op.Responses {
				statuses[status] = true
			}
			routes[strings.ToUpper(method)+" "+prefix+path] = statuses
		}
	}
	return routes, nil
})

// requireDocumented asserts that the API's description has the status of each success.
func requireDocumented(tb testing.TB, c call, res *http.Response) {
	tb.Helper()
	if res.StatusCode >= 300 {
		return
	}
	path, _, _ := strings.Cut(c.path, "?")
	asked := strings.Split(path, "/")
	routes, err := described()
	require.NoError(tb, err)
	for route, statuses := range routes {
		method, pattern, _ := strings.Cut(route, " ")
		if method != c.method || !isOf(strings.Split(pattern, "/"), asked) {
			continue
		}
		require.True(tb, statuses[strconv.Itoa(res.StatusCode)], "%s answers %d, which its description does not have",
			route, res.StatusCode)
		return
	}
}

func isOf(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == s || strings.HasPrefix(p, "{") })
}

func (d *desk) get(path string, headers ...string) answer {
	d.Helper()
	return d.do(call{"GET", path, "", headers})
}

func (d *desk) post(path, body string, headers ...string) answer {
	d.Helper()
	return d.do(call{"POST", path, body, headers})
}

// created makes an event and returns it.
func (d *desk) created(body string) api.Event {
	d.Helper()
	a := d.post("/api/v1/events", body)
	require.Equal(d, http.StatusCreated, a.StatusCode, a.body)
	return decoded[api.Event](a)
}

func (d *desk) pointEvent(campaign string) api.Event {
	d.Helper()
	return d.created(fmt.Sprintf(`{"campaign_id": %q, "event_type": "POINT", "default_amount": 500}`, campaign))
}

func decoded[T any](a answer) T {
	a.Helper()
	var v T
	require.NoError(a, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// refused requires a problem with a status and code, complete and without secrets of the inside.
func (a answer) refused(status int, code string) api.Problem {
	a.Helper()
	require.Equal(a, status, a.StatusCode, a.body)
	require.Equal(a, "application/problem+json", a.Header.Get("Content-Type"))
	p := decoded[api.Problem](a)
	require.Equal(a, code, p.Code, a.body)
	require.Equal(a, status, p.Status)
	require.Equal(a, "urn:bestow:problem:"+code, p.Type)
	require.NotEmpty(a, p.Title)
	require.NotEmpty(a, p.Detail)
	require.Equal(a, a.Header.Get("X-Request-Id"), p.RequestID)
	for _, inside := range []string{"SQLSTATE", "pgx", "goroutine", ".go:", "ERROR:", "campaign_events_"} {
		require.NotContains(a, strings.ReplaceAll(a.body, p.RequestID, ""), inside)
	}
	return p
}
