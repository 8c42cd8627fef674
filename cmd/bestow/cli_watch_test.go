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
	out, errs := s.done("event watch 1")
	require.Equal(t, "no answer from "+s.env["BESTOW_URL"]+": it is asked again every second\n", errs)
	require.Equal(t, "PENDING   0%  0 of 0 granted, 0 failed  waits: no relay; no jobs\n"+
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
	require.Equal(t, over+"waits: "+why+"\n"+
		strings.Repeat(over+"RUNNING   0%  0 of 10 granted, 0 failed", 2)+
		over+"RUNNING  80%  8 of 10 granted, 0 failed"+
		over+"waits: it is tried again at 2026-12-01 12:00:00 KST\n"+
		strings.Repeat(over+"RUNNING  90%  9 of 10 granted, 0 failed", 2)+
		over+"COMPLETED 100%  10 of 10 granted, 0 failed\n", out)
}

// On a screen of 80 columns the running line has the speed and the time to go; a pipe gets a line when something changed.
func TestWatchOnANarrowScreen(t *testing.T) {
	t.Parallel()
	const progress = `{"event_id": 1, "event_status": "%s", "total": 200000, "success": %d, "fail": 55, "rate_per_s": %d,
		"eta_s": 32, "waiting_retry": 295, "failures": {"account_closed": 55}}`
	lines := []string{
		fmt.Sprintf(progress, "RUNNING", 31_650, 4200), fmt.Sprintf(progress, "RUNNING", 31_650, 4200),
		fmt.Sprintf(progress, "STOPPED", 31_650, 0),
	}
	watch := func(interactive bool, columns int) string {
		s := newShell(t)
		s.interactive, s.columns = interactive, columns
		s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/progress") {
				_, _ = io.WriteString(w, `{"id": 1, "items": [{"id": 1}]}`)
				return
			}
			for _, p := range lines {
				_, _ = io.WriteString(w, "data: "+strings.ReplaceAll(p, "\n", " ")+"\n\n")
			}
		}))
		_, out, _ := s.run("event watch 1")
		return out
	}
	const over = "\r\x1b[K"
	const end = "STOPPED  15%  31,650 of 200,000 granted, 55 failed (account_closed 55), 168,295 left, 32s to go\n"
	require.Equal(t, strings.Repeat(over+"RUNNING  15%  31,650 of 200,000 granted, 55 failed  4200/s, 32s to go, 295 wai…", 2)+
		over+end, watch(true, 80))
	require.Equal(t, "RUNNING  15%  31,650 of 200,000 granted, 55 failed (account_closed 55), 295 wait for a retry"+
		"  4200/s, 32s to go\n"+end, watch(false, 0))
}

func TestWatchOfNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, _, errs := s.run("event watch 7")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, fmt.Sprintf("there is no event %q", "7"))
}
