package terminal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// A line that is written over and over never breaks into two.
func TestFit(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0: "안녕하세요", 1: "안녕하세요", 2: "…", 5: "안…", 6: "안녕…", 10: "안녕하세…",
		11: "안녕하세요",
	} {
		require.Equal(t, want, Fit("안녕하세요", width), width)
	}
}

// Folded lines fit into the columns of any terminal, begin at one column, and lose no word (P18).
func TestFold(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("회원 12,345 = members ", 40))
	for _, width := range []int{60, 80, 120} {
		for _, indent := range []int{0, 12, 22, 40} {
			lines := strings.Split(strings.Repeat(" ", indent)+Fold(long, indent, width), "\n")
			require.Greater(t, len(lines), 5)
			for _, line := range lines {
				require.Less(t, uniseg.StringWidth(line), width)
				require.Equal(t, indent, len(line)-len(strings.TrimLeft(line, " ")))
			}
			require.Equal(t, long, strings.Join(strings.Fields(strings.Join(lines, " ")), " "))
		}
	}
	require.Equal(t, strings.Repeat("x", 100), Fold(strings.Repeat("x", 100), 12, 80), "one word is never cut")
	require.Equal(t, long, Fold(long, 12, 0), "a file has any width")
	require.NotContains(t, Fold("a word of it", 30, 20), "\n", "a narrow screen gives a text some columns still")
}

// A file and a pipe have no width and show no colours, whatever the environment says.
func TestAFileIsNoScreen(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	s := OpenScreen(f, func(string) string { return "xterm-256color" })
	require.Zero(t, s.Width())
	require.Equal(t, "held", s.Good("held"))
	require.Equal(t, "\x1b[31mbroken\x1b[0m", Screen{Colours: true}.Bad("broken"))
}

// A table is as wide as the terminal at most: its free text is cut, and what must be read whole is not.
func TestTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	rows := func(w io.Writer) {
		fmt.Fprint(w, "ID\tCAMPAIGN\tFAIL\tREASON\n"+
			"1\t봄맞이-감사-포인트-지급\t12,345\tkafka_away: no broker answers at 127.0.0.1:9092\n2\tspring\t0\t-\n")
	}
	for width, want := range map[int]string{
		0: "ID  CAMPAIGN                 FAIL    REASON\n" +
			"1   봄맞이-감사-포인트-지급  12,345  kafka_away: no broker answers at 127.0.0.1:9092\n" +
			"2   spring                   0       -\n",
		60: "ID  CAMPAIGN                FAIL    REASON\n" +
			"1   봄맞이-감사-포인트-지…  12,345  kafka_away: no broker …\n" +
			"2   spring                  0       -\n",
		40: "ID  CAMPAIGN      FAIL    REASON\n" +
			"1   봄맞이-감사…  12,345  kafka_away: …\n" +
			"2   spring        0       -\n",
		24: "ID  CAMPAIGN  FAIL    …\n" +
			"1   봄맞이-…  12,345  …\n" +
			"2   spring    0       -\n",
	} {
		var out strings.Builder
		term := Terminal{Out: &out, Screen: Screen{Columns: width}}
		require.NoError(t, term.Table(rows, "CAMPAIGN", "REASON"))
		require.Equal(t, want, out.String(), width)
		for line := range strings.Lines(out.String()) {
			require.True(t, width == 0 || uniseg.StringWidth(strings.TrimSuffix(line, "\n")) < width, line)
		}
	}
}

// A table of names and values has no column to cut: a long value goes on below itself.
func TestTableFoldsAValue(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	term := Terminal{Out: &out, Screen: Screen{Columns: 40}}
	require.NoError(t, term.Table(func(w io.Writer) {
		fmt.Fprint(w, "id\t1\nwaiting_for\tkafka_away: no broker of 127.0.0.1:9092 answers\n")
	}))
	require.Equal(t, "id           1\n"+
		"waiting_for  kafka_away: no broker of\n"+
		"             127.0.0.1:9092 answers\n", out.String())
}
