package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What docs/money.md shows by curl is what the ledger answers, run by bash against a process of the role money, with
// the commands of bestow that stand between in blocks of their own. Of an answer that is shown, … stands for anything.
func TestMoneyDocsByCurl(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/money.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(doc), "\n## Save, use, cancel\n")
	require.True(t, found)
	section, _, found = strings.Cut(section, "\n## The grant routes\n")
	require.True(t, found)
	var script, want []string
	fenced, commands := false, 0
	for line := range strings.Lines(section) {
		switch code, is := strings.CutPrefix(strings.TrimRight(line, "\n"), "    "); {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			script = append(script, line)
			commands++
		case !is:
		case strings.HasPrefix(code, "{"):
			want = append(want, code)
		default:
			script = append(script, code)
		}
	}
	require.Len(t, want, 15)
	require.Equal(t, 9, commands)

	w := newWorld(t)
	binary := build(t)
	w.ledgerProcess(binary)
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			w.cfg.MoneyURL+"/money/v1/openapi.json", nil)
		require.NoError(t, err)
		got, err := http.DefaultClient.Do(req)
		return err == nil && got.Body.Close() == nil
	}, time.Minute, 20*time.Millisecond)
	cmd := exec.CommandContext(t.Context(), "bash", "-euc",
		strings.ReplaceAll(strings.Join(script, "\n"), "http://127.0.0.1:8081", w.cfg.MoneyURL))
	cmd.Env = []string{
		"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "BESTOW_MONEY_URL=" + w.cfg.MoneyURL,
		"BESTOW_MONEY_TOKEN=" + moneyToken,
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "bash and curl are needed: %s", out)
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, answer := range want {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(answer), "…", ".*") + "$")
		at := slices.IndexFunc(said, pattern.MatchString)
		require.GreaterOrEqual(t, at, 0, "no further answer is %s: %s", answer, strings.Join(said, "\n"))
		said = said[at+1:]
	}
}
