package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/stretchr/testify/require"
)

// A watch outlives a server that is started again, waits for an event that has not started, and ends with it.
func TestWatchOutlivesAServer(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	streams := 0
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/progress") {
			_, _ = io.WriteString(w, `{"id": 1, "items": [{"id": 1}]}`)
			return
		}
		streams++
		switch streams {
		case 1:
			_, _ = io.WriteString(w,
				"data: {\"event_id\": 1, \"event_status\": \"PENDING\", \"waiting_for\": [{\"code\": \"relay\", "+
					"\"text\": \"no relay\"}, {\"code\": \"jobs\", \"text\": \"no jobs\"}]}\n\n")
		case 2:
			_, _ = io.WriteString(w,
				"data: {\"event_id\": 1, \"event_status\": \"RUNNING\", \"total\": 10, \"success\": 5, "+
					"\"waiting_retry\": 1, \"unknown\": 2, \"rate_per_s\": 2.5, \"eta_s\": 2}\n\n")
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 4:
			_, _ = io.WriteString(w,
				"data: {\"event_id\": 1, \"event_status\": \"COMPLETED\", \"total\": 10, \"success\": 8, \"fail\": "+
					"2, \"in_flight\": 1, \"failures\": {\"limit\": 1, \"account_closed\": 1}}\n\n")
		default:
			_, _ = io.WriteString(w,
				"data: {\"event_id\": 1, \"event_status\": \"COMPLETED\", \"total\": 10, \"success\": 10}\n\n")
		}
	}))
	out, _ := s.done("event watch 1")
	require.Equal(t, "PENDING   0%  0 of 0 granted, 0 failed  waiting for relay: no relay; jobs: no jobs\n"+
		"RUNNING  50%  5 of 10 granted, 0 failed, 1 wait for a retry, 2 unknown  2/s, 2s to go\n"+
		"COMPLETED 100%  8 of 10 granted, 2 failed (account_closed 1, limit 1), 1 are tried again\n"+
		"COMPLETED 100%  10 of 10 granted, 0 failed\n", out)
}

// streamed is a server that says one progress after the other of event 1, and then ends.
func (s *shell) streamed(progress ...string) {
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/progress") {
			_, _ = io.WriteString(w, `{"id": 1, "items": [{"id": 1}]}`)
			return
		}
		for _, p := range progress {
			_, _ = io.WriteString(w, `data: {"event_id": 1, "total": 10, `+p+"}\n\n")
		}
	}))
}

// An event that is at rest before its end says why, how it goes on, and that nothing of it is tried again by itself.
func TestWatchSaysWhyAnEventRests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ progress, line, errs string }{
		"stopped": {
			`"event_status": "STOPPED", "success": 4, "waiting_retry": 1, "stopped_memo": "a wrong list"`,
			"STOPPED  40%  4 of 10 granted, 0 failed, 6 left\n",
			"bestow: event 1 is STOPPED: a wrong list\n  `bestow event resume 1` continues it\n",
		},
		"the ledger contradicts itself": {
			`"event_status": "FAILED", "success": 6, "waiting_retry": 4, "failure_code": "mismatch", "stopped_memo": "the ledger contradicts itself"`,
			"FAILED  60%  6 of 10 granted, 0 failed, 4 left\n",
			"bestow: event 1 is FAILED (mismatch): the ledger contradicts itself\n  `bestow results list 1 " +
				"--error-code mismatch` shows what the ledger said; when the cause is gone, " +
				"`bestow event resume 1` continues it\n",
		},
		"the keys are missing": {
			`"event_status": "FAILED", "failure_code": "missing_keys", "stopped_memo": "set BESTOW_MASTER_KEY"`,
			"FAILED   0%  0 of 10 granted, 0 failed, 10 left\n",
			"bestow: event 1 is FAILED (missing_keys): set BESTOW_MASTER_KEY\n  when the cause is gone, " +
				"`bestow event resume 1` continues it\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			s.streamed(c.progress)
			code, out, errs := s.run("event watch 1")
			require.Equal(t, terminal.ExitFailed, code)
			require.Equal(t, c.line, out)
			require.Equal(t, c.errs, errs)
		})
	}
}

// On a screen each cause is said once in full, above the line that the screen's edge cuts.
func TestWatchSaysEachCauseInFull(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.interactive = true
	why := strings.Repeat("the broker 127.0.0.1:9092 does not answer, ", 9) + "for good"
	waits := `"event_status": "RUNNING", "waiting_for": [{"code": "kafka_away", "text": "` + why + `"}]`
	retry := `"event_status": "RUNNING", "success": 9, "waiting_for": [{"code": "retry", "text": "it is tried again at %s"}]`
	s.streamed(waits, waits, `"event_status": "RUNNING", "success": 8`, fmt.Sprintf(retry, "2026-12-01T03:00:00Z"),
		fmt.Sprintf(retry, "2026-12-01T15:00:00Z"),
		`"event_status": "COMPLETED", "success": 10`)
	out, _ := s.done("event watch 1")
	const over = "\r\x1b[K"
	require.Equal(t, over+"waiting for kafka_away: "+why+"\n"+
		strings.Repeat(over+"RUNNING   0%  0 of 10 granted, 0 failed  waiting for kafka_away", 2)+
		over+"RUNNING  80%  8 of 10 granted, 0 failed"+
		over+"waiting for retry: it is tried again at 2026-12-01 12:00:00 KST\n"+
		strings.Repeat(over+"RUNNING  90%  9 of 10 granted, 0 failed  waiting for retry", 2)+
		over+"COMPLETED 100%  10 of 10 granted, 0 failed\n", out)
}

func TestWatchOfNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, _, errs := s.run("event watch 7")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, fmt.Sprintf("there is no event %q", "7"))
}
