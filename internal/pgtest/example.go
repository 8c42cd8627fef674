package pgtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Example returns a pool on a migrated database of a runnable example's own, which has no testing.TB. end closes the
// pool and drops the database.
func Example() (pool *pgxpool.Pool, end func()) {
	tb := &example{}
	return New(tb), tb.end
}

// example is to an example what a testing.T is to a test. What goes wrong is printed, so that the output is not as it
// should be.
type example struct {
	testing.TB

	cleanups []func()
}

func (*example) Helper() {}

func (*example) Context() context.Context { return context.Background() }

func (e *example) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

func (*example) Errorf(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

// FailNow ends the process: an example has no test to end.
func (*example) FailNow() { os.Exit(1) }

func (e *example) end() {
	for _, f := range slices.Backward(e.cleanups) {
		f()
	}
}
