// Package apitest serves the whole admin API in tests: a desk of it, for the rooms of http, or a handler alone.
//
// Start with New.
package apitest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"bestow/app"
	bestowhttp "bestow/http"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

var described = sync.OnceValues(func() (desktest.Routes, error) { return desktest.Described(bestowhttp.OpenAPI()) })

// New returns a desk that serves the API. c says what is unusual about it; its App, AdminKey and Log are the desk's.
func New(t *testing.T, c bestowhttp.Config) *desktest.Desk {
	t.Helper()
	return desktest.New(t, func(a *app.App, log *slog.Logger) (http.Handler, error) {
		c.App, c.AdminKey, c.Log = a, desktest.Key, log
		return bestowhttp.New(c)
	}, described)
}

// Handler returns the API of c.
func Handler(tb testing.TB, c bestowhttp.Config) http.Handler {
	tb.Helper()
	h, err := bestowhttp.New(c)
	require.NoError(tb, err)
	return h
}

// Listen starts another listener of d with the API of c, whose AdminKey and Log are the desk's.
func Listen(d *desktest.Desk, c bestowhttp.Config) *httptest.Server {
	d.Helper()
	c.AdminKey, c.Log = desktest.Key, d.Logger()
	return desktest.Listen(d, Handler(d, c))
}
