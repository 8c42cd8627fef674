package main

import (
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// An operator changes an event and deletes it.
func TestCommandLineEditAndDelete(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id spring --event-type POINT --default-amount 500 --reservation-at " +
		"2999-01-01T09:00:00")
	out, _ := s.done("event edit spring --campaign-id summer --default-reason hot --partition-count 8 " +
		"--reservation-priority=-2 --clear default_amount,reservation_at")
	for _, line := range []string{
		"campaign_id           summer\n", "default_amount        -\n",
		"default_reason        hot\n",
		"partition_count       8\n", "reservation_at        -\n", "reservation_priority  -2\n",
	} {
		require.Contains(t, out, line)
	}
	out, _ = s.done("event edit summer --name Sun")
	require.Contains(t, out, "name                  Sun\n")
	out, _ = s.done("event list --find sUN --status PENDING,RUNNING --has-failures false")
	require.Contains(t, out, "summer")
	require.Contains(t, out, "Sun")
	out, _ = s.done("event list --find winter")
	require.NotContains(t, out, "summer")
	out, _ = s.done("event edit summer --clear name")
	require.Contains(t, out, "name                  -\n")
	out, _ = s.done("event edit summer --expiry-at 2999-12-31T23:59:59 --event-type POINT -o json --clear " +
		"reservation_priority")
	var e api.Event
	require.NoError(t, json.Unmarshal([]byte(out), &e))
	require.Nil(t, e.ReservationPriority)
	require.Equal(t, "2999-12-31T14:59:59Z", e.ExpiryAt.Format("2006-01-02T15:04:05Z"))
	for _, line := range []string{
		"event edit summer", "event edit summer --clear campaign_id",
		"event edit summer --expiry-at x",
		"event edit summer --default-amount 5 --clear default_amount", "event delete",
	} {
		code, _, _ := s.run(line)
		require.Equal(t, terminal.ExitUsage, code, line)
	}
	code, _, errs := s.run("event edit summer --default-amount 0")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "  default_amount: must be 1 or more\n")

	s.done("targets import summer " + s.file("list.csv", "member_id,amount\nm1,100\nm2,100\n"))
	out, _ = s.done("targets list summer")
	require.Contains(t, out, "list.csv")
	out, _ = s.done("targets show summer")
	require.Contains(t, out, "100 P to 100 P, 100 P on average, 1 different one\n")
	require.Contains(t, out, "100 P: 2 rows\n")
	_, errs = s.done("event delete summer")
	require.Equal(t, "event 1 is deleted, with 2 targets\n", errs)
	code, _, errs = s.run("event show summer")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "there is no event")
}
