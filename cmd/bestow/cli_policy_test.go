package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/pgtest"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp"
	"bestow/money/moneyhttp/wire"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// ledgerShell is a shell whose commands ask a ledger that runs apart.
func ledgerShell(t *testing.T) *shell {
	t.Helper()
	pool := pgtest.New(t)
	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	require.NoError(t, err)
	service, err := moneyhttp.New(moneyhttp.Config{Ledger: ledger, Token: moneyToken})
	require.NoError(t, err)
	at := httptest.NewServer(service)
	t.Cleanup(at.Close)
	return &shell{
		TB: t, pool: pool, dir: t.TempDir(),
		env: map[string]string{"BESTOW_MONEY_URL": at.URL, "BESTOW_MONEY_TOKEN": moneyToken},
	}
}

// Policies at the command line: made, listed, changed, retired and brought back, for people and for machines.
func TestCommandLinePolicy(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	const head = "CODE    STATUS    VALID             MIN  MAX   MAX HOLD  REGRANT DAYS  TYPE  NAME\n"
	out, _ := s.done("policy create spring --name 봄축제 --valid until:2126-12-31 --min-point 10 --max-point 1000 " +
		"--max-hold 5000 --regrant-days 7 --type-code EVT")
	require.Equal(t, "CODE    STATUS  VALID             MIN  MAX   MAX HOLD  REGRANT DAYS  TYPE  NAME\n"+
		"spring  ACTIVE  until:2126-12-31  10   1000  5000      7             EVT   봄축제\n", out)
	s.done("policy create spring --name 봄축제 --valid until:2126-12-31 --min-point 10 --max-point 1000 --max-hold 5000 " +
		"--regrant-days 7 --type-code EVT")
	s.done("policy create always --name Always --type-code none")
	out, _ = s.done("policy retire spring")
	require.Equal(t, head+"spring  INACTIVE  until:2126-12-31  10   1000  5000      7             EVT   봄축제\n", out)
	out, errs := s.done("policy list --limit 1")
	require.Contains(t, out, "always  ACTIVE  none")
	require.NotContains(t, out, "spring")
	require.Equal(t, "there are more: --cursor always\n", errs)
	out, errs = s.done("policy list --status INACTIVE")
	require.NotContains(t, out, "always")
	require.Empty(t, errs)
	out, _ = s.done("policy retire spring --undo -o json")
	var p wire.Policy
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, "ACTIVE", p.Status)
	s.done("policy set spring --valid month-end:0 --max-hold none --regrant-days none --type-code none --min-point " +
		"none --max-point none")
	out, _ = s.done("policy show spring")
	require.Equal(t,
		"code          spring\nname          봄축제\nstatus        ACTIVE\nvalid         month-end:0\nmin_point     "+
			"-\nmax_point     -\nmax_hold      -\nregrant_days  -\ntype_code     -\ncreated_at    "+
			"NOW\nupdated_at    NOW\n", timeless(out))
	out, _ = s.done("policy set spring --valid days:90")
	require.Contains(t, out, "spring  ACTIVE  days:90")
}

// What cannot be is refused, and says what to do.
func TestCommandLinePolicyRefusals(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	s.done("policy create p --name P")
	for line, want := range map[string]struct {
		code int
		errs string
	}{
		"policy set p":                             {terminal.ExitUsage, "say what to change"},
		"policy set p --valid 30d":                 {terminal.ExitUsage, `--valid is "30d": write days:30`},
		"policy set p --valid days:x":              {terminal.ExitUsage, `--valid is "days:x": write days:30`},
		"policy set p --max-point 1,000":           {terminal.ExitUsage, `--max-point is "1,000": write digits only`},
		"policy set p --valid until:2020-01-01":    {terminal.ExitFailed, "valid_until: has passed: today is "},
		"policy set p --valid days:0 --max-hold 0": {terminal.ExitFailed, "max_hold: must be a whole number from 1"},
		"policy create p --name Q":                 {terminal.ExitFailed, "there is a policy with this code, which has other terms"},
		"policy create q":                          {terminal.ExitFailed, "name: must be text"},
		"policy show q":                            {terminal.ExitFailed, "there is no such policy\n  `bestow policy list` shows them"},
		"policy retire ../members/m":               {terminal.ExitFailed, "there is no such policy"},
		"policy list --limit 0":                    {terminal.ExitUsage, "--limit is 0"},
	} {
		code, _, errs := s.run(line)
		require.Equal(t, want.code, code, line)
		require.Contains(t, errs, want.errs, line)
	}
	refused := func(change, value, errs string) {
		t.Helper()
		had := s.env[change]
		s.env[change] = value
		code, _, said := s.run("policy list")
		require.Equal(t, terminal.ExitFailed, code)
		require.Contains(t, said, errs)
		s.env[change] = had
	}
	refused("BESTOW_MONEY_TOKEN", "", "BESTOW_MONEY_TOKEN is not set\n  set it to the ledger's token")
	refused("BESTOW_MONEY_TOKEN", "other", "the ledger does not know the token\n  set BESTOW_MONEY_TOKEN")
	refused("BESTOW_MONEY_URL", "http://u:secret@x", "BESTOW_MONEY_URL is not the address of a ledger")
	refused("BESTOW_MONEY_URL", "http://127.0.0.1:1", "the ledger does not answer: ")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	refused("BESTOW_MONEY_URL", other.URL, "check BESTOW_MONEY_URL: it may lead to something else")
	delete(s.env, "BESTOW_MONEY_TOKEN")
	s.env["BESTOW_MONEY_TOKEN_FILE"] = s.file("token", moneyToken+"\n")
	s.done("policy show p")
}
