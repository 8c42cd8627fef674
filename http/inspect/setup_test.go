package inspect_test

import (
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
