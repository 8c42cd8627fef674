package http

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"bestow/app"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	prefix   = "/api/v1"
	past     = desktest.Past
	future   = desktest.Future
	why      = desktest.Why
	brakeURL = desktest.BrakeURL
)

// desk is a listener on a database of the test's own.
type desk struct{ *desktest.Desk }

var described = sync.OnceValues(func() (desktest.Routes, error) { return desktest.Described(OpenAPI()) })

func setup(t *testing.T) *desk {
	t.Helper()
	return &desk{desktest.New(t, func(a *app.App, log *slog.Logger) (http.Handler, error) {
		return New(Config{App: a, AdminKey: desktest.Key, Log: log})
	}, described)}
}

// in is the same desk in a subtest.
func (d *desk) in(t *testing.T) *desk {
	t.Helper()
	return &desk{d.In(t)}
}

// serve starts another listener of the same test.
func (d *desk) serve(c Config) *httptest.Server {
	d.Helper()
	c.Log = d.Logger()
	return desktest.Listen(d, handler(d, c))
}

// handler returns the API of c.
func handler(tb testing.TB, c Config) http.Handler {
	tb.Helper()
	h, err := New(c)
	require.NoError(tb, err)
	return h
}

// answer holds what came back.
type answer = desktest.Answer

// call is one request, with the key unless a header says otherwise; headers are "Name: value".
type call struct {
	method, path, body string
	headers            []string
}

func (d *desk) do(c call) answer {
	d.Helper()
	return d.Do(c.method, c.path, c.body, c.headers...)
}

func (d *desk) doAt(s *httptest.Server, c call) answer {
	d.Helper()
	return d.DoAt(s, c.method, c.path, c.body, c.headers...)
}
