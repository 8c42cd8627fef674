package inspect_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"bestow/app"
	bestowhttp "bestow/http"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	past     = desktest.Past
	future   = desktest.Future
	why      = desktest.Why
	brakeURL = desktest.BrakeURL
)

// desk is a listener on a database of the test's own.
type desk struct{ *desktest.Desk }

var described = sync.OnceValues(func() (desktest.Routes, error) { return desktest.Described(bestowhttp.OpenAPI()) })

func setup(t *testing.T) *desk {
	t.Helper()
	return &desk{desktest.New(t, func(a *app.App, log *slog.Logger) http.Handler {
		return bestowhttp.New(bestowhttp.Config{App: a, AdminKey: desktest.Key, Log: log})
	}, described)}
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
