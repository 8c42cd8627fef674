package upkeep

import (
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// A report fits into the terminal and judges in colours; on a pipe it is what it always was.
func TestReportOnAScreen(t *testing.T) {
	t.Parallel()
	const report = "1 event at 2026-11-29T12:00:00+09:00, schema 46\n\n" +
		"✓ I1   every result belongs to a target and has its amount\n       3 results of 3 targets\n" +
		"✗ I42  a statement that is not so long\n       1 difference:\n         회원 M1 of event 1: 200 instead of 100\n" +
		"–  I9  odd\n\n✗ 1 of 2 invariants do not hold: I42. 3 targets, 3 published\n"
	require.Equal(t, report, onScreen(terminal.Screen{}, report))
	shown := onScreen(terminal.Screen{Columns: 40, Colours: true}, report)
	require.Contains(t, shown, "\n\x1b[32m✓\x1b[0m I1   every result belongs to a target\n       and has its amount\n")
	require.Contains(t, shown, "\n\x1b[31m✗\x1b[0m 1 of 2 invariants do not hold: I42. 3\n  targets, 3 published\n")
	require.Contains(t, shown, "\n         회원 M1 of event 1: 200\n         instead of 100\n")
	require.Contains(t, shown, "\x1b[33m–\x1b[0m")
	for line := range strings.Lines(onScreen(terminal.Screen{Columns: 40}, report)) {
		require.Less(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), 40, line)
	}
}
