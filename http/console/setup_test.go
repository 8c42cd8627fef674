package console_test

import (
	"testing"

	"bestow/internal/consoletest"
	"bestow/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// desk is a listener of a test's own, with what the tests of this room ask of its database.
type desk struct{ *consoletest.Desk }

func setup(t *testing.T) *desk {
	t.Helper()
	return &desk{consoletest.New(t)}
}
