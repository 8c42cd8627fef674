package http

import (
	"context"
	"net/http"
	"testing"
	"time"

	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// A HEAD whose client has left holds no connection of the database. Otherwise clients that ask again would take all.
func TestHeadEndsWithItsClient(t *testing.T) {
	t.Parallel()
	d := setup(t)
	path := d.begun(5)
	gate, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = gate.Exec(t.Context(), `LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, d.URL+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+desktest.Key)
	left := make(chan error, 1)
	go func() {
		res, err := d.Client().Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		left <- err
	}()
	d.AwaitLock()
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	require.Eventually(t, func() bool { return d.Count(waiting) == 0 }, 8*time.Second, 20*time.Millisecond)
}
