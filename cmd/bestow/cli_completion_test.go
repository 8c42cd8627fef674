package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/exectest"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// completions are command lines up to the cursor, and the words that are offered there; in bash only the part behind
// the last = or : of the word.
var completions = []struct {
	line    string
	offered []string
}{
	{"bestow comp", []string{"completion"}},
	{"bestow completion ", []string{"bash", "zsh", "fish"}},
	{"bestow event l", []string{"list"}},
	{"bestow event list --st", []string{"--status"}},
	{"bestow event list --status S", []string{"STOPPED"}},
	{"bestow event list --status s", []string{"STOPPED"}},
	{"bestow event list --status ", []string{"PENDING", "RUNNING", "COMPLETED", "STOPPED", "FAILED"}},
	{"bestow event list -o ", []string{"text", "json"}},
	{"bestow event list -o json --status R", []string{"RUNNING"}},
	{"bestow results export 7 -o ", []string{"csv", "ndjson"}},
	{"bestow key create --name crm --role ", []string{"viewer", "operator", "approver", "admin"}},
	{"bestow admin role kim a", []string{"approver", "admin"}},
	{"bestow serve --roles api,re", []string{"api,relay"}},
	{"bestow type create COUPON --operation v", []string{"vouchers"}},
	{"bestow event show sp", nil}, // no name of an event is known without the service
	{"bestow event list -- --st", nil},
	{"bestow nonesuch ", nil},
}

func TestCompletionsOffered(t *testing.T) {
	t.Parallel()
	for _, c := range completions {
		require.Equal(t, c.offered, offered(t, strings.Split(c.line, " ")[1:]...), c.line)
	}
	require.Equal(t, []string{"--status=PENDING"}, offered(t, "event", "list", "--status=P"))
	require.Equal(t, []string{":files"}, offered(t, "targets", "import", "7", ""))
	require.Equal(t, []string{":files"}, offered(t, "secrets", "rotate", "--new-key-file", "k"))
	require.NotContains(t, offered(t, ""), "demo-serve", "hidden commands are not for people")
	require.Empty(t, offered(t, "event", "list", "--status=PENDING "))
}

// Each command and each flag that a person can read of is offered, whatever is added.
func TestEveryCommandAndFlagIsOffered(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&terminal.Terminal{}, func(int) {})
	require.NoError(t, err)
	seen := 0
	var walk func(n *kong.Node, words []string)
	walk = func(n *kong.Node, words []string) {
		flags := offered(t, append(words, "--")...)
		for _, f := range n.Flags {
			if !f.Hidden {
				require.Contains(t, flags, "--"+f.Name, words)
				seen++
			}
		}
		for _, child := range n.Children {
			if !child.Hidden {
				require.Contains(t, offered(t, append(words, child.Name)...), child.Name)
				walk(child, append(words[:len(words):len(words)], child.Name))
			}
		}
	}
	walk(parser.Model.Node, nil)
	require.Greater(t, seen, 100)
}

// offered returns the words that the binary offers to a script.
func offered(t *testing.T, words ...string) (texts []string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), append([]string{"__complete", "--"}, words...), &terminal.Terminal{
		Out: &out, Err: &errs, Env: func(string) string { return "" },
	})
	require.Equal(t, terminal.ExitDone, code, errs.String())
	for line := range strings.Lines(out.String()) {
		text, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		texts = append(texts, text)
	}
	return texts
}

// A real bash loads the script and offers the words. compgen cannot do this: the line is split as bash splits it.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	path := bestowInPath(t, "bash")
	said := func(breaks, line string, words ...string) []string {
		script := `source <(bestow completion bash)
			compopt() { echo "compopt $*"; }
			COMP_WORDBREAKS=$1 COMP_LINE=$2; shift 2
			COMP_WORDS=(bestow "$@"); COMP_CWORD=$#
			$(complete -p bestow | sed 's/.*-F \([^ ]*\).*/\1/')
			printf '%s\n' "${COMPREPLY[@]}"`
		command := exec.CommandContext(t.Context(), "bash",
			append([]string{"--norc", "-c", script, "bash", breaks, line}, words...)...)
		command.Env = append(os.Environ(), "PATH="+path)
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.Fields(string(out))
	}
	const usual = " \t\n\"'><=;|&(:"
	for _, c := range completions {
		require.ElementsMatch(t, c.offered, said(usual, c.line, strings.Split(c.line, " ")[1:]...), c.line)
	}
	require.Equal(t, []string{"PENDING"}, said(usual, "bestow event list --status=P", "event", "list", "--status", "=", "P"))
	require.Len(t, said(usual, "bestow event list --status=", "event", "list", "--status", "="), 5)
	require.Equal(t, []string{"POINT"}, said(usual, "bestow brake on --scope type:P", "brake", "on", "--scope", "type", ":", "P"))
	require.Equal(t, []string{"approver", "admin"},
		said(usual, "bestow admin role team:kim a", "admin", "role", "team", ":", "kim", "a"))
	require.Equal(t, []string{"approver", "admin"},
		said(usual, "bestow  admin role :kim a", "admin", "role", ":", "kim", "a"), "a word that begins with a colon")
	require.Equal(t, []string{"compopt", "-o", "default"},
		said(usual, "bestow targets import 7 ./sp", "targets", "import", "7", "./sp"))
	// Some take the colon out of the characters at which bash splits words: then bash keeps nothing of the word.
	const some = " \t\n\"'><=;|&("
	require.Equal(t, []string{"type:POINT"}, said(some, "bestow brake on --scope type:P", "brake", "on", "--scope", "type:P"))
	require.Equal(t, []string{"PENDING"}, said(some, "bestow event list --status=P", "event", "list", "--status", "=", "P"))
	require.Equal(t, []string{"--status=PENDING"},
		said(" \t\n", "bestow event list --status=P", "event", "list", "--status=P"))
}

func TestCompletionInFish(t *testing.T) {
	t.Parallel()
	path := bestowInPath(t, "fish")
	for _, c := range completions {
		command := exec.CommandContext(t.Context(), "fish", "--no-config", "-c",
			`bestow completion fish | source; complete -C $argv[1]`, c.line)
		command.Env = append(os.Environ(), "PATH="+path, "HOME="+t.TempDir())
		out, err := command.Output()
		require.NoError(t, err, c.line)
		var texts []string
		for line := range strings.Lines(string(out)) {
			text, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			texts = append(texts, text)
		}
		require.ElementsMatch(t, c.offered, texts, c.line)
	}
}

// bestowInPath makes a folder with this binary as bestow, and returns a PATH with it. It skips the test if the shell is
// not there.
func bestowInPath(t *testing.T, shell string) (path string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("there is no %s on this machine", shell)
	}
	program, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	exectest.Script(t, filepath.Join(dir, "bestow"), "#!/bin/sh\n"+asBestow+"=1 exec "+program+` "$@"`+"\n")
	return dir + ":" + os.Getenv("PATH")
}
