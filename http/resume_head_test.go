package http

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
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

// A piece of unknown length that goes on behind the upload's end is refused, and the upload is not whole: its sender
// has named too small a size, and the list would be imported without its end.
func TestPieceBehindTheEnd(t *testing.T) {
	t.Parallel()
	d := setup(t)
	path := d.begun(5)
	send := func(bytes string) (status int, text string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, d.URL+path, io.MultiReader(strings.NewReader(bytes)))
		require.NoError(t, err)
		for name, value := range map[string]string{
			"Authorization": "Bearer " + desktest.Key, "Tus-Resumable": "1.0.0", "Upload-Offset": "0",
			"Content-Type": "application/offset+octet-stream",
		} {
			r.Header.Set(name, value)
		}
		res, err := d.Client().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, errors.Join(err, res.Body.Close()))
		return res.StatusCode, string(body)
	}
	status, text := send("abcdef")
	require.Equal(t, 413, status)
	require.Contains(t, text, `"upload_too_large"`)
	require.Zero(t, d.offset(path))
	status, _ = send("abcde")
	require.Equal(t, 204, status)
	require.Equal(t, "abcde", d.bytesOf(path))
}
