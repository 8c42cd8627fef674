package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A command line that makes no sense is refused in words.
func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := readOptions(nil)
	require.NoError(t, err)
	require.Equal(t, options{clients: 200, members: 1000, lasts: time.Minute}, o)
	for _, args := range []string{"x", "-clients 0", "-members 0", "-for 0s", "-clients 5001"} {
		_, err := readOptions(strings.Fields(args))
		require.ErrorContains(t, err, "read arguments: ", args)
	}
	_, err = readOptions([]string{"-h"})
	require.ErrorIs(t, err, flag.ErrHelp)
}

// A client makes campaigns until its time is over. A campaign ends at the first request that is no success, and the run
// fails with what was answered.
func TestClient(t *testing.T) {
	t.Parallel()
	refuse := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "/targets") {
			rows, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
			if err != nil || len(rows) != 4 || r.Header.Get("Idempotency-Key") == "" {
				w.WriteHeader(http.StatusBadRequest)
			}
		}
		if r.URL.Path == refuse {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"id": 7}`)
	}))
	t.Cleanup(server.Close)
	m := newMeter()
	c := client{url: server.URL, key: "k", http: server.Client(), meter: m}
	c.campaign(t.Context(), "a", memberList(3))
	require.NoError(t, m.failed())
	require.Equal(t, []int64{7}, m.events())
	refuse = "/events/7/targets"
	c.campaign(t.Context(), "b", memberList(3))
	require.EqualError(t, m.failed(), "1 requests failed: POST /events/{id}/targets: 503: not now")
	require.Equal(t, []int64{7}, m.events())
	var out strings.Builder
	m.print(&out, 2*time.Second)
	require.Regexp(t, `(?m)^POST /events +2 +1\.0 `, out.String())
	require.Contains(t, out.String(), "failed requests: 1\n")
}

// Failures are told in full up to a number.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	m := newMeter()
	for range 2 * shown {
		m.took(create, time.Second, errors.New("x"))
	}
	require.EqualError(t, m.failed(), "10 requests failed: "+strings.TrimSuffix(strings.Repeat("POST /events: x; ", shown), "; "))
}
