package daemon

import (
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/internal/logtest"

	"github.com/stretchr/testify/require"
)

// An answer that comes twice is in no log: it may hold the PIN of a voucher. Not parallel: the standard logger is one.
func TestUnsolicitedAnswerIsNotLogged(t *testing.T) { //nolint:paralleltest // see above
	log := &logtest.Log{}
	TakeStandardLog(slog.New(slog.NewJSONHandler(log, nil)))
	t.Cleanup(func() { stdlog.SetOutput(os.Stderr) })
	const secret = "PIN-of-a-voucher"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		for range 2 {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(secret), secret)
		}
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	got, err := client.Do(req)
	require.NoError(t, err)
	_, err = io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "Unsolicited response") }, time.Minute,
		time.Millisecond)
	require.NotContains(t, log.String(), secret)
	require.Contains(t, log.String(), `"said":`)
}
