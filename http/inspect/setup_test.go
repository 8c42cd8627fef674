package inspect_test

import (
	"net/http/httptest"
	"testing"

	bestowhttp "bestow/http"
	"bestow/internal/apitest"
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

func setup(t *testing.T) *desk {
	t.Helper()
	return &desk{apitest.New(t, bestowhttp.Config{})}
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
