package pgtest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder is a test whose errors we want to see.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

// A connection that the test never gave back fails it, rather than hanging it.
func TestClosePoolSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	pool := New(t)
	lost, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	r := &recorder{TB: t}
	closePool(r, pool, 0)
	require.Contains(t, r.said, "1 connections")
	lost.Release()
}
