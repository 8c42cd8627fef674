package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// asked runs a command of this binary as a process of its own, with the settings of w's database, and returns its exit
// code and what it printed.
func (w *world) asked(env []string, args ...string) (code int, out string) {
	w.Helper()
	command := exec.CommandContext(w.Context(), os.Args[0], args...)
	command.Env = append([]string{
		asBestow + "=1", "DATABASE_URL=" + w.cfg.DatabaseURL, "BESTOW_MASTER_KEY=" + w.cfg.MasterKey, "PATH=" + os.Getenv("PATH"),
	}, env...)
	text, err := command.CombinedOutput()
	if _, exited := err.(*exec.ExitError); !exited { //nolint:errorlint // it is not wrapped
		require.NoError(w, err)
	}
	return command.ProcessState.ExitCode(), strings.Join(strings.Fields(string(text)), " ")
}

// D13: verify on the host asks the ledgers of BESTOW_GRANTERS, as the service's report does, and changes nothing there.
func TestVerifyOnTheHostAsksOtherLedgers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := &otherLedger{identity: map[string]any{"ledger_id": "coffee-1", "capabilities": []string{"pairs"}}}
	ledger := w.serveAt(other)
	w.granter("coffee", ledger, "COFFEE", domain.Points)
	e := w.completedEvent("COFFEE", 100)
	require.Len(t, other.granted(), 100)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(moneyToken), 0o600))
	at := []string{"BESTOW_GRANTERS=coffee=" + ledger.url, "BESTOW_GRANTER_COFFEE_TOKEN_FILE=" + file}

	for _, args := range [][]string{{"verify"}, {"verify", e.CampaignID}} {
		code, out := w.asked(at, args...)
		require.Equal(t, terminal.ExitDone, code, out)
		require.Contains(t, out, "100 members looked up in the ledgers of others")
	}

	other.change(func() { other.busy = 2 }) // it does not answer for a moment
	code, out := w.asked(at, "verify")
	require.Equal(t, terminal.ExitDone, code, out)
	other.change(func() { other.busy = 3 })
	code, out = w.asked(at, "verify")
	require.Equal(t, terminal.ExitFailed, code, out)
	require.Contains(t, out, "it does not say which ledger it is")

	code, out = w.asked(nil, "verify")
	require.Equal(t, terminal.ExitFailed, code, out)
	require.Contains(t, out, `✗ not proved`)
	require.Contains(t, out, `the ledger "coffee" could not be asked what it granted to events of type COFFEE: `+
		`BESTOW_GRANTERS does not say where it is: give this command the service's BESTOW_GRANTERS and `+
		`BESTOW_GRANTER_COFFEE_TOKEN_FILE`)

	code, out = w.asked(at, "verify", "--ask-ledgers-for", "1ns")
	require.Equal(t, terminal.ExitFailed, code, out)
	require.Contains(t, out, "the time in which a report asks other ledgers (1ns) is over")
	code, _ = w.asked(at, "verify", "--ask-ledgers-for", "0s")
	require.Equal(t, terminal.ExitUsage, code)
	code, out = w.asked(at, "verify", "--remote", e.CampaignID, "--ask-ledgers-for", "2h")
	require.Equal(t, terminal.ExitUsage, code)
	require.Contains(t, out, "--ask-ledgers-for is of a report that this command makes")

	other.change(func() {
		for key := range other.grants {
			delete(other.grants, key)
			break
		}
	})
	code, out = w.asked(at, "verify")
	require.Equal(t, terminal.ExitFailed, code, out)
	require.Contains(t, out, "SUCCESS, and the ledger does not know its key")

	other.change(func() { other.identity["ledger_id"] = "coffee-2" })
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "it is the ledger coffee-2, and grants went to coffee-1 until now")
	require.Contains(t, out, "✗ not proved")
	other.change(func() { other.identity["ledger_id"], other.identity["installation_id"] = "coffee-1", "another" })
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "it takes the grants of the installation another, and this one is ")
	other.change(func() { other.identity = nil })
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "it has no GET /money/v1/identity, where the ledger coffee-1 answered before")
	w.exec(`DELETE FROM granter_ledgers WHERE granter = 'coffee'`)
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "no process has asked it for a grant yet")
	require.Equal(t, 0, w.count(`SELECT count(*) FROM granter_ledgers WHERE granter = 'coffee'`))
	other.change(func() { other.deaf = true })
	w.exec(`INSERT INTO granter_ledgers VALUES ('coffee', '(no identity)')`)
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "it has no GET /money/v1/identity, and no lookup")
	other.change(func() { other.deaf = false })
	ledger.kill()
	w.exec(`UPDATE granter_ledgers SET ledger_id = 'coffee-1' WHERE granter = 'coffee'`)
	_, out = w.asked(at, "verify")
	require.Contains(t, out, "it does not say which ledger it is")
}
