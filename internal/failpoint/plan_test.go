//go:build failpoint

package failpoint

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// All is the list, whole: a point that it passed over could not be set, and no test would miss it.
func TestAllIsEveryConstant(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "points.go", nil, 0)
	require.NoError(t, err)
	var want []string
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			name, err := strconv.Unquote(l.Value)
			require.NoError(t, err)
			want = append(want, name)
		}
		return true
	})
	require.Equal(t, want, All())
	seen := map[string]bool{}
	for _, point := range want {
		require.False(t, seen[point], "%s stands there twice", point)
		seen[point] = true
	}
}

// passages passes the point n times under the rules, and returns the numbers of those that failed.
func passages(t *testing.T, rules, point string, n int) (failed []int) {
	t.Helper()
	p, err := parse(rules)
	require.NoError(t, err)
	for i := range n {
		if err := p.hit(t.Context(), point); err != nil {
			require.ErrorIs(t, err, errAsked)
			failed = append(failed, i+1)
		}
	}
	return failed
}

// A rule acts at the passages that it names, at its own point.
func TestWhenARuleActs(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{1, 2, 3}, passages(t, "settle.locked=error", SettleLocked, 3))
	require.Equal(t, []int{3}, passages(t, "settle.locked=error@3", SettleLocked, 9))
	require.Equal(t, []int{3, 6, 9}, passages(t, "settle.locked=error%3", SettleLocked, 9))
	require.Equal(t, []int{2, 5},
		passages(t, " settle.locked=error@2 ; settle.locked=error@4; relay.read=error ;", SettleLocked, 9),
		"a rule that acts ends the passage")
	require.Empty(t, passages(t, "settle.locked=error", RelayRead, 3))
	require.Empty(t, passages(t, "", SettleLocked, 3))
}

// A delay lasts as long as it says, or until nobody waits for the step any more.
func TestDelay(t *testing.T) {
	t.Parallel()
	p, err := parse("claim.after_commit=delay:30ms@1;claim.after_commit=delay:1h@2")
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, p.hit(t.Context(), ClaimAfterCommit))
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, p.hit(ctx, ClaimAfterCommit))
}

// What is misspelt is named with what was meant, all of it at once.
func TestMisspeltRules(t *testing.T) {
	t.Parallel()
	for rules, says := range map[string]string{
		"relay.after_akc=kill":          `no point "relay.after_akc": did you mean relay.after_ack?`,
		"relay.after_ack=kil@3":         `no action "kil": did you mean kill?`,
		"relay.after_ack=kill:3":        `no action "kill:3": did you mean kill?`,
		"relay.after_ack=dealy:200ms":   `no action "dealy:200ms": did you mean delay?`,
		"relay.after_ack=delay":         `"" is no duration`,
		"relay.after_ack=delay:200":     `"200" is no duration`,
		"relay.after_ack=kill@0":        `"0" is no number of a passage`,
		"relay.after_ack=kill%x":        `"x" is no number of a passage`,
		"relay.after_ack":               "a rule is POINT=ACTION",
		"relay.after_ack=":              `no action ""`,
		"relay.read=kill; close=paus@1": `no point "close"`,
	} {
		_, err := parse(rules)
		require.ErrorContains(t, err, says, rules)
	}
	_, err := parse("relay.raed=kill;relay.read=kick")
	require.ErrorContains(t, err, "relay.raed")
	require.ErrorContains(t, err, "kick")
}

// victim is this test binary, as a process that passes one point twice and says so.
func victim(t *testing.T, rules string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), setting+"="+rules, "BESTOW_TEST_VICTIM=1")
	return cmd
}

// TestVictim is no test but the process that the others start.
func TestVictim(t *testing.T) {
	t.Parallel()
	if os.Getenv("BESTOW_TEST_VICTIM") == "" {
		t.Skip("started by the tests of kill and pause")
	}
	require.NoError(t, Check())
	for _, said := range []string{"first\n", "second\n"} {
		require.NoError(t, Hit(t.Context(), RelayRead))
		_, err := os.Stdout.WriteString(said)
		require.NoError(t, err)
	}
}

// The process dies at the passage that was named, as by kill -9: not one step more.
func TestKill(t *testing.T) {
	t.Parallel()
	out, err := victim(t, "relay.read=kill@2").Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGKILL, status.Signal())
	require.Equal(t, "first\n", string(out))
}

// The process stands still at the point, and goes on when it is told to.
func TestPause(t *testing.T) {
	t.Parallel()
	cmd := victim(t, "relay.read=pause@2")
	var out strings.Builder
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	var status syscall.WaitStatus
	_, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped(), "%v", status)
	require.Equal(t, syscall.SIGSTOP, status.StopSignal())
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.NoError(t, cmd.Wait())
	require.Equal(t, []string{"first", "second", "PASS"}, strings.Fields(out.String())[:3])
}

// The process does not start with a rule that means nothing, and no point of it passes.
func TestVictimWithAMisspeltRule(t *testing.T) {
	t.Parallel()
	out, err := victim(t, "relay.raed=kill").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "did you mean relay.read?")
	require.NotContains(t, string(out), "first")
}

// The hooks of a context are asked after each other, until one aborts the step.
func TestHooks(t *testing.T) {
	t.Parallel()
	died := errors.New("died")
	var asked []string
	hook := func(name string, err error) func(string) error {
		return func(point string) error {
			asked = append(asked, name+" "+point)
			return err
		}
	}
	ctx := With(With(With(t.Context(), hook("a", nil)), hook("b", died)), hook("c", nil))
	require.ErrorIs(t, Hit(ctx, RelayRead), died)
	require.Equal(t, []string{"a relay.read", "b relay.read"}, asked)
}
