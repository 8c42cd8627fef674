package main

import (
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// narrow is a shell on a terminal of 80 columns.
func narrow(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	s.columns = 80
	return s
}

// fits requires that no line is wider than the screen.
func (s *shell) fits(out string) {
	s.Helper()
	for line := range strings.Lines(out) {
		require.Less(s, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), s.columns, line)
	}
}

// On a screen of 80 columns the reason of a refusal is there, and columns that say nothing of it are left out.
func TestReasonsOnANarrowScreen(t *testing.T) {
	t.Parallel()
	s := narrow(t)
	s.done("event create --campaign-id a --event-type POINT --default-amount 1800")
	s.done("targets import a " + s.file("list.csv", "member_id\nM10002296\nM2\n"))
	s.sql(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	s.sql(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, error_message, retry_count)
		VALUES (1, 'M10002296', 1800, 'PERMANENTLY_FAILED', 'account_closed',
			'the demo''s ledger says that this account is closed', 1)`)
	out, _ := s.done("results list a --failed")
	s.fits(out)
	require.Equal(t, "MEMBER     AMOUNT   REFUSED  REASON\n"+
		"M10002296  1,800 P  1        account_closed: the demo's ledger says that this …\n", out)
	s.sql(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id)
		VALUES (1, 'M2', 1800, 'SUCCESS', '123456')`)
	out, _ = s.done("results list a")
	s.fits(out)
	require.Contains(t, out, "MEMBER     AMOUNT   STATUS              LEDGER ENTRY  REASON\n")
	require.Contains(t, out, "  account_closed: the de")
	out, _ = s.done("results list a --member M10002296")
	s.fits(out)
	require.Contains(t, out, "reason        account_closed: the demo's ledger says that this account is\n"+
		"              closed\n")
	s.columns = 0
	out, _ = s.done("results list a --failed")
	require.Contains(t, out, "MEMBER     AMOUNT   STATUS              REFUSED  LEDGER ENTRY  CHANGED")
}

// On a screen of 80 columns a list of events keeps what tells two apart, and what each waits for.
func TestEventsOnANarrowScreen(t *testing.T) {
	t.Parallel()
	s := narrow(t)
	s.done("event create --campaign-id demo-POINT-20261129-054629 --event-type POINT --default-amount 1")
	s.done("targets import 1 " + s.file("list.csv", "member_id\nM1\n"))
	s.done("event start 1")
	out, _ := s.done("event list")
	s.fits(out)
	require.Equal(t, "ID  CAMPAIGN                    STATUS   TARGETS  SUCCESS  FAIL  WAITING FOR\n"+
		"1   demo-POINT-20261129-054629  RUNNING  1        0        0     relay\n", out)
	out, _ = s.done("audit")
	s.fits(out)
	require.Contains(t, out, "import 1 of event 1")
}

// A terminal shows no spreadsheet and obeys no control character of a list; a pipe gets both as they are.
func TestRejectedRowsOnAScreen(t *testing.T) {
	t.Parallel()
	s := narrow(t)
	s.done("event create --campaign-id a --event-type POINT")
	s.done("targets import a " + s.file("list.csv", "member_id,amount\nM\x1b[31mX,0\nm1,1\n"))
	out, _ := s.done("targets rejected a")
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, "MU+001B[31mX,0")
	out, _ = s.done("targets rejected a --original")
	require.Contains(t, out, "MU+001B[31mX,0")
	s.done("targets import a ../../docs/tutorial/spring.xlsx")
	code, out, errs := s.run("targets rejected a --original")
	require.Equal(t, terminal.ExitFailed, code)
	require.Empty(t, out)
	require.Equal(t, "bestow: import 2 is a spreadsheet, which a terminal cannot show\n"+
		"  write it to a file: bestow targets rejected 1 --import 2 --original >rejected.xlsx\n", errs)
	code, _, errs = s.run("targets import a ../../docs/tutorial/spring.xlsx")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "correct only the rows that import 2 rejected")
	s.done("targets import a " + s.file("good.csv", "member_id,amount\nm2,1\n"))
	code, _, errs = s.run("targets import a " + s.file("good.csv", "member_id,amount\nm2,1\n"))
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "as import 3\n")
	require.Contains(t, errs, "the whole list is in the event: there is nothing to do\n")
	s.columns = 0
	out, _ = s.done("targets rejected a --original --import 2")
	require.Equal(t, "PK", out[:2])
	out, _ = s.done("targets rejected a --import 1")
	require.Contains(t, out, "M\x1b[31mX,0")
	code, _, errs = s.run("targets import a " + s.file("book.csv", "PK\x03\x04more"))
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "give a spreadsheet a name that ends in .xlsx")
}
