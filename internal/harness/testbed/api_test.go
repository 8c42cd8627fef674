package testbed

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serveAPI is an API of the test's own.
func serveAPI(t *testing.T, h http.HandlerFunc) *API {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &API{URL: s.URL, Key: "key"}
}

// list is one of 12,000 members.
func list() io.Reader { return strings.NewReader("member_id\n" + strings.Repeat("M1\n", 12_000)) }

// A change is asked for again while the server cannot answer, with the whole body and the same Idempotency-Key.
func TestChangeIsRepeated(t *testing.T) {
	t.Parallel()
	var (
		calls atomic.Int32
		keys  = make(chan string, 3)
	)
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		keys <- r.Header.Get("Idempotency-Key")
		if calls.Add(1) < 3 {
			http.Error(w, "no database", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]int{"accepted": strings.Count(string(body), "\n") - 1})
	})
	require.NoError(t, a.Load(t.Context(), 1, 12_000, list))
	first := <-keys
	require.NotEmpty(t, first)
	require.Equal(t, first, <-keys)
	require.Equal(t, first, <-keys)
}

// What is still at work on the first request is asked again; the code says so.
func TestStillAtWork(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		if codes := []string{"key_in_flight", "import_running"}; int(calls.Load()) < len(codes) {
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"code": "`+codes[calls.Add(1)-1]+`"}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	})
	require.NoError(t, a.Start(t.Context(), 1))
}

// A refusal is final, and an import that accepts too few is one.
func TestRefused(t *testing.T) {
	t.Parallel()
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/targets") {
			_, _ = io.WriteString(w, `{"accepted": 11999, "rejected": 1}`)
			return
		}
		http.Error(w, "wrong status", http.StatusConflict)
	})
	require.ErrorContains(t, a.Start(t.Context(), 1), "answered 409: wrong status")
	require.ErrorContains(t, a.Load(t.Context(), 1, 12_000, list), "11999 of 12000")
}

// What an event's progress means, and that an answer which breaks off is asked for again.
func TestProgress(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer key" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		answer := `{"event_status": "RUNNING", "total": 200, "published": 100, "success": 40, "fail": 10}`
		_, _ = io.WriteString(w, answer[:len(answer)-5+5*min(int(calls.Add(1))-1, 1)])
	})
	_, err := a.Progress(t.Context(), 1)
	require.True(t, Passing(err))
	p, err := a.Progress(t.Context(), 1)
	require.NoError(t, err)
	require.InDelta(t, 0.5, p.PublishedPart(), 1e-9)
	require.InDelta(t, 0.25, p.SettledPart(), 1e-9)
}

// The percentiles of a report are values that were measured.
func TestPercentile(t *testing.T) {
	t.Parallel()
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(100-i))
	}
	require.EqualValues(t, 50, Percentile(list, 50))
	require.EqualValues(t, 99, Percentile(list, 99))
	require.EqualValues(t, 100, Percentile(list, 100))
	require.EqualValues(t, 7, Percentile([]time.Duration{7}, 50))
}
