// Package desktest is a listener of the admin API on a database of a test's own, for the tests of http and its
// rooms. It does not know http, so that http's own tests can stand on it: a test hands in the handler that it serves.
//
// Start with New.
package desktest

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

const (
	// Key is the key that opens the API.
	Key = "the-admins-key"
	// Past is a moment that has passed.
	Past = "2020-01-01T00:00:00Z"
	// Future is a moment that no test sees.
	Future = "2999-01-01T00:00:00Z"
	// BrakeURL is the path of the brake.
	BrakeURL = prefix + "/brake"
	// Why is a memo for a body.
	Why = `"memo": "a wrong list"`

	prefix = "/api/v1"
)

// EventURL returns the path of an event.
func EventURL(id int64) string { return fmt.Sprintf("%s/events/%d", prefix, id) }

// Desk is a listener on a database of the test's own.
type Desk struct {
	testing.TB
	*httptest.Server

	Pool   *pgxpool.Pool
	App    *app.App
	Logged *logtest.Log
	Book   *Book // the ledger of points

	serve  func(*app.App, *slog.Logger) (http.Handler, error)
	routes func() (Routes, error)
}

// Routes hold what the API's description says of each route: method and path, then its statuses.
type Routes map[string]map[string]bool

// Described reads a description of the API.
func Described(document []byte, err error) (Routes, error) {
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Paths map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		return nil, err
	}
	routes := Routes{}
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
}

// NoSealer stands for a master key, where nothing is sealed.
type NoSealer struct{}

// Seal returns the PINs as they are.
func (NoSealer) Seal(_ context.Context, _ pgx.Tx, _ int64, _, pins []string) ([]string, error) {
	return pins, nil
}

// NewApp returns the use cases with their default limits.
func NewApp(tb testing.TB, pool *pgxpool.Pool, sealer grants.Sealer) *app.App {
	tb.Helper()
	return NewAppWith(tb, pool, sealer, app.DefaultLimits())
}

// NewAppWith returns the use cases with limits.
func NewAppWith(tb testing.TB, pool *pgxpool.Pool, sealer grants.Sealer, limits app.Limits) *app.App {
	tb.Helper()
	return newApp(tb, app.Deps{Pool: pool, Sealer: sealer, Limits: limits})
}

func newApp(tb testing.TB, d app.Deps) *app.App {
	tb.Helper()
	var err error
	d.River, err = jobs.NewInserter(d.Pool)
	require.NoError(tb, err)
	a, err := app.New(d)
	require.NoError(tb, err)
	return a
}

// New returns a listener that serves what serve returns; routes are what its description says.
func New(
	t *testing.T, serve func(*app.App, *slog.Logger) (http.Handler, error), routes func() (Routes, error),
) *Desk {
	t.Helper()
	pool := pgtest.New(t)
	d := &Desk{TB: t, Pool: pool, Logged: &logtest.Log{}, Book: &Book{}, serve: serve, routes: routes}
	d.App = newApp(t, app.Deps{Pool: pool, Sealer: NoSealer{}, Book: d.Book})
	d.Server = d.Serve(d.App)
	return d
}

// In is the same desk in a subtest.
func (d *Desk) In(t *testing.T) *Desk {
	t.Helper()
	c := *d
	c.TB = t
	return &c
}

// Count is a number that the database knows.
func (d *Desk) Count(query string, args ...any) (n int) {
	d.Helper()
	require.NoError(d, d.Pool.QueryRow(d.Context(), query, args...).Scan(&n))
	return n
}

// SQL changes the database behind the service's back.
func (d *Desk) SQL(change string, args ...any) {
	d.Helper()
	_, err := d.Pool.Exec(d.Context(), change, args...)
	require.NoError(d, err)
}

// AwaitLock waits until a session of the database waits for a lock.
func (d *Desk) AwaitLock() {
	d.Helper()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	require.Eventually(d, func() bool { return d.Count(waiting) > 0 }, 20*time.Second, 10*time.Millisecond)
}

// Serve starts a listener with use cases.
func (d *Desk) Serve(a *app.App) *httptest.Server {
	d.Helper()
	h, err := d.serve(a, d.Logger())
	require.NoError(d, err)
	return Listen(d, h)
}

// Logger writes all into d.Logged.
func (d *Desk) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(d.Logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Listen starts a listener until the test ends.
func Listen(tb testing.TB, h http.Handler) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s
}

// Answer holds what came back.
type Answer struct {
	testing.TB
	*http.Response

	Text string // the body
}

// Do sends a request, with the key unless a header says otherwise; headers are "Name: value".
func (d *Desk) Do(method, path, body string, headers ...string) Answer {
	d.Helper()
	return d.DoAt(d.Server, method, path, body, headers...)
}

// DoAt sends a request to a listener, as Do does.
func (d *Desk) DoAt(s *httptest.Server, method, path, body string, headers ...string) Answer {
	d.Helper()
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(d.Context(), method, s.URL+path, sent)
	require.NoError(d, err)
	req.Header.Set("Authorization", "Bearer "+Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
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
	d.requireDocumented(method, path, res)
	return Answer{d, res, string(text)}
}

// requireDocumented asserts that the API's description has the status of each success.
func (d *Desk) requireDocumented(asked, path string, res *http.Response) {
	d.Helper()
	if res.StatusCode >= 300 {
		return
	}
	path, _, _ = strings.Cut(path, "?")
	routes, err := d.routes()
	require.NoError(d, err)
	for route, statuses := range routes {
		method, pattern, _ := strings.Cut(route, " ")
		if method != asked || !isOf(strings.Split(pattern, "/"), strings.Split(path, "/")) {
			continue
		}
		require.True(d, statuses[strconv.Itoa(res.StatusCode)], "%s answers %d, which its description does not have",
			route, res.StatusCode)
		return
	}
}

func isOf(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == s || strings.HasPrefix(p, "{") })
}

// Get sends a GET.
func (d *Desk) Get(path string, headers ...string) Answer {
	d.Helper()
	return d.Do("GET", path, "", headers...)
}

// Post sends a POST.
func (d *Desk) Post(path, body string, headers ...string) Answer {
	d.Helper()
	return d.Do("POST", path, body, headers...)
}

// Created makes an event and returns it.
func (d *Desk) Created(body string) api.Event {
	d.Helper()
	a := d.Post("/api/v1/events", body)
	require.Equal(d, http.StatusCreated, a.StatusCode, a.Text)
	return Decoded[api.Event](a)
}

// PointEvent makes an event of points.
func (d *Desk) PointEvent(campaign string) api.Event {
	d.Helper()
	return d.Created(fmt.Sprintf(`{"campaign_id": %q, "event_type": "POINT", "default_amount": 500}`, campaign))
}

// Decoded returns what an answer says.
func Decoded[T any](a Answer) T {
	a.Helper()
	var v T
	require.NoError(a, json.Unmarshal([]byte(a.Text), &v), a.Text)
	return v
}

// Refused requires a problem with a status and code, complete and without secrets of the inside.
func (a Answer) Refused(status int, code string) api.Problem {
	a.Helper()
	require.Equal(a, status, a.StatusCode, a.Text)
	require.Equal(a, "application/problem+json", a.Header.Get("Content-Type"))
	p := Decoded[api.Problem](a)
	require.Equal(a, code, p.Code, a.Text)
	require.Equal(a, status, p.Status)
	require.Equal(a, "urn:bestow:problem:"+code, p.Type)
	require.NotEmpty(a, p.Title)
	require.NotEmpty(a, p.Detail)
	require.Equal(a, a.Header.Get("X-Request-Id"), p.RequestID)
	for _, inside := range []string{"SQLSTATE", "pgx", "goroutine", ".go:", "ERROR:", "campaign_events_"} {
		require.NotContains(a, strings.ReplaceAll(a.Text, p.RequestID, ""), inside)
	}
	return p
}
