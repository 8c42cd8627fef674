// Package exectest makes programs that tests run. Another process writes them: a file that this one has written may
// still be open for writing in a child that another test has just forked, and then it cannot be run (ETXTBSY, "text
// file busy").
package exectest

import (
	"os/exec"
	"strings"
	"testing"
)

// Copy copies a program, so that every user may run it.
func Copy(t *testing.T, from, to string) {
	t.Helper()
	write(t, to, exec.CommandContext(t.Context(), "cp", "--", from, to)) //nolint:gosec // of a test
}

// Script makes a program of a text.
func Script(t *testing.T, to, text string) {
	t.Helper()
	cat := exec.CommandContext(t.Context(), "sh", "-c", `cat >"$1"`, "sh", to) //nolint:gosec // of a test
	cat.Stdin = strings.NewReader(text)
	write(t, to, cat)
}

func write(t *testing.T, to string, writer *exec.Cmd) {
	t.Helper()
	mode := exec.CommandContext(t.Context(), "chmod", "755", to) //nolint:gosec // of a test
	for _, c := range []*exec.Cmd{writer, mode} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("make program %s: %v: %s", to, err, out)
		}
	}
}
