package main

import (
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/stretchr/testify/require"
)

// An event with a reserved time starts by itself: who starts it before, on a terminal, is told so and asked for --now.
// A script is not asked.
func TestAReservedEventIsNotStartedByMistake(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id a --event-type POINT --default-amount 5 --reservation-at 2999-12-31T09:00:00")
	_, errs := s.done("targets import a " + s.file("list.csv", "member_id\nm1\n"))
	require.Equal(t, "it starts by itself at 2999-12-31 09:00:00 KST; see: bestow queue\n", errs)
	s.columns = 80
	code, out, errs := s.run("event start a")
	require.Equal(t, terminal.ExitUsage, code)
	require.Empty(t, out)
	require.Contains(t, strings.Join(strings.Fields(errs), " "),
		"bestow: event 1 is reserved for 2999-12-31 09:00:00 KST and starts by itself then; --now starts it now")
	out, _ = s.done("event show a")
	require.Contains(t, out, "event_status          PENDING\n")
	out, _ = s.done("event start a --now")
	require.Contains(t, out, "event_status          RUNNING\n")
	s.done("event start a") // it runs: nothing is started before its time

	s.columns = 0
	s.done("event create --campaign-id b --event-type POINT --default-amount 5 --reservation-at 2999-12-31T09:00:01")
	s.done("targets import b " + s.file("list.csv", "member_id\nm1\n"))
	s.done("event start b")
}

// A retry with a code that no member was given up with names the codes that there are, and leaves nothing in the audit.
func TestRetryWithACodeThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id a --event-type POINT --default-amount 5")
	s.done("targets import a " + s.file("list.csv", "member_id\nm1\nm2\n"))
	s.done("event start a")
	out, _ := s.done("retry a --error-code account_closed")
	require.Equal(t, "nothing to try again: no member was given up\n", out)
	s.sql(`INSERT INTO point_results (event_id, member_id, amount, status, error_code)
		SELECT event_id, member_id, amount, 'PERMANENTLY_FAILED', 'account_closed' FROM point_targets`)
	s.sql(`UPDATE campaign_event_summary SET fail_count = 2`)
	for _, line := range []string{"retry a --error-code account_closd", "retry a --error-code account_closd --dry-run"} {
		code, out, errs := s.run(line)
		require.Equal(t, terminal.ExitFailed, code, line)
		require.Empty(t, out)
		require.Equal(t, "bestow: nothing to try again: no member was given up with the error code \"account_closd\"\n"+
			"  given up (account_closed 2); without --error-code all of them are tried again\n", errs)
	}
	out, _ = s.done("audit a --action event.retry")
	require.NotContains(t, out, "event.retry")
	out, _ = s.done("retry a --error-code account_closed")
	require.Equal(t, "given up: 2 members; tried again: 2\n", out)
	out, _ = s.done("retry a")
	require.Equal(t, "nothing to try again: what was given up (account_closed 2) is being tried again already\n", out)
	out, _ = s.done("audit a --action event.retry")
	require.Contains(t, out, "event.retry")
}
