//go:build unix

package flock_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bestow/internal/embedpg/flock"

	"github.com/stretchr/testify/require"
)

// One holder at a time; the next gets it as soon as it is free, and a caller who gives up is told why.
func TestTake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := flock.Take(t.Context(), path, 0)
	require.NoError(t, err)

	_, err = flock.Take(t.Context(), path, 0)
	require.ErrorIs(t, err, flock.ErrInUse)
	require.ErrorContains(t, err, fmt.Sprintf("another bestow (process %d) uses it: stop that one", os.Getpid()))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = flock.Take(over, path, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
	_, err = flock.Take(t.Context(), filepath.Join(path, "below a file"), 0)
	require.Error(t, err)

	taken := make(chan error, 1)
	go func() {
		next, err := flock.Take(t.Context(), path, time.Minute)
		if err == nil {
			err = next.Close()
		}
		taken <- err
	}()
	require.NoError(t, held.Close())
	require.NoError(t, <-taken)
}
