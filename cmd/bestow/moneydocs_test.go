package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What docs/money.md shows by curl is what the ledger answers, run by bash against a process of the role money.
func TestMoneyDocsByCurl(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/money.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(doc), "\n## Save, use, cancel\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var script, want []string
	for line := range strings.Lines(section) {
		switch code, is := strings.CutPrefix(strings.TrimRight(line, "\n"), "    "); {
		case !is:
		case strings.HasPrefix(code, "{"):
			want = append(want, code)
		default:
			script = append(script, code)
		}
	}
	require.Len(t, want, 3)

	w := newWorld(t)
	w.ledgerProcess(build(t))
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.cfg.MoneyURL+"/money/v1/openapi.json", nil)
		require.NoError(t, err)
		got, err := http.DefaultClient.Do(req)
		return err == nil && got.Body.Close() == nil
	}, time.Minute, 20*time.Millisecond)
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", strings.ReplaceAll(strings.Join(script, "\n"), "http://127.0.0.1:8081", w.cfg.MoneyURL))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BESTOW_MONEY_TOKEN=" + moneyToken}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "bash and curl are needed: %s", out)
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Equal(t, want, []string{said[2], said[6], said[len(said)-1]})
	require.JSONEq(t, `{"member_id":"lee","balance":100,"owed":0,"expiring":[]}`, said[7])
}
