package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/proc"

	"github.com/stretchr/testify/require"
)

// River UI answers no input with a 5xx: what its queries cannot take is refused before it (C21).
func TestRiverUITakesRubbish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serveAPI()
	w.exec(`INSERT INTO river.river_queue (name, updated_at) VALUES ('relay', now())`)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/river/api/jobs?kinds=%00", ""},
		{"GET", "/river/api/jobs?kinds=%ff", ""},
		{"GET", "/river/api/jobs?queues=a%00b", ""},
		{"GET", "/river/api/jobs?tags=%00", ""},
		{"GET", "/river/api/jobs?%00=1", ""},
		{"GET", "/river/api/jobs?state=nonsense", ""},
		{"GET", "/river/api/jobs?state=%00", ""},
		{"GET", "/river/api/jobs?limit=-1", ""},
		{"GET", "/river/api/jobs?limit=0", ""},
		{"GET", "/river/api/jobs?limit=99999999999999999999", ""},
		{"GET", "/river/api/jobs?limit=2147483648", ""},
		{"GET", "/river/api/jobs?ids=9223372036854775808", ""},
		{"GET", "/river/api/jobs?ids=-1", ""},
		{"GET", "/river/api/jobs?ids=x", ""},
		{"GET", "/river/api/jobs?priorities=99999", ""},
		{"GET", "/river/api/jobs?priorities=-40000", ""},
		{"GET", "/river/api/jobs?priorities=0", ""},
		{"GET", "/river/api/jobs/0", ""},
		{"GET", "/river/api/jobs/-1", ""},
		{"GET", "/river/api/jobs/9223372036854775808", ""},
		{"GET", "/river/api/jobs/x%00", ""},
		{"GET", "/river/api/queues/%00", ""},
		{"GET", "/river/api/queues/%ff", ""},
		{"GET", "/river/api/queues/none", ""},
		{"GET", "/river/api/queues?limit=-1", ""},
		{"GET", "/river/api/queues?limit=0", ""},
		{"PUT", "/river/api/queues/%00/pause", ""},
		{"PUT", "/river/api/queues/none/pause", ""},
		{"PUT", "/river/api/queues/none/resume", ""},
		{"PATCH", "/river/api/queues/none", `{"concurrency": {"global_limit": -1}}`},
		{"PATCH", "/river/api/queues/relay", `{"concurrency": null}`},
		{"PATCH", "/river/api/queues/relay", `{"concurrency": {"partition": {"by_args": ["a\u0000"]}}}`},
		{"PATCH", "/river/api/queues/relay", "{\"concurrency\": {\"partition\": {\"by_args\": [\"\xff\"]}}}"},
		{"GET", "/river/api/autocomplete?facet=job_kind&match=%00", ""},
		{"GET", "/river/api/autocomplete?facet=%00", ""},
		{"GET", "/river/api/autocomplete?facet=job_kind&exclude=%00", ""},
		{"GET", "/river/api/autocomplete?facet=queue_name&after=%00", ""},
		{"GET", "/river/api/health-checks/%00", ""},
		{"GET", "/river/api/health-checks/complete", ""},
		{"POST", "/river/api/jobs/cancel", `{"ids": ["9223372036854775808"]}`},
		{"POST", "/river/api/jobs/cancel", `{"ids": ["-1"]}`},
		{"POST", "/river/api/jobs/cancel", `{"ids": []}`},
		{"POST", "/river/api/jobs/cancel", `{"ids": ["a\u0000"]}`},
		{"POST", "/river/api/jobs/retry", "\x00"},
		{"POST", "/river/api/jobs/delete", `null`},
		{"POST", "/river/api/jobs/delete", `[]`},
		{"POST", "/river/api/jobs/delete", ``},
		{"POST", "/river/api/jobs/delete", strings.Repeat(" ", 2<<20)},
		{"GET", "/river/%00", ""},
		{"GET", "/river/..%2f..%2fetc%2fpasswd", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+address+c.path,
			strings.NewReader(c.body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+w.cfg.AdminKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		if res.StatusCode >= 500 {
			t.Errorf("%s %s %.40q: %d %s", c.method, c.path, c.body, res.StatusCode, body)
		}
		if strings.Contains(c.path, "%00") || strings.Contains(c.path, "%ff") {
			require.Equal(t, http.StatusBadRequest, res.StatusCode, "%s %s", c.method, c.path)
		}
	}
}

// serveAPI starts a process with the role api and returns where it listens.
func (w *world) serveAPI() string {
	w.Helper()
	var err error
	w.cfg.Addr, err = proc.FreeAddress(w.Context())
	require.NoError(w, err)
	_, stop := w.start(w.Context(), daemon.Overrides{}, daemon.RoleAPI)
	w.Cleanup(stop)
	require.Eventually(w, func() bool {
		conn, err := new(net.Dialer).DialContext(w.Context(), "tcp", w.cfg.Addr)
		return err == nil && conn.Close() == nil
	}, 20*time.Second, 20*time.Millisecond)
	return w.cfg.Addr
}
