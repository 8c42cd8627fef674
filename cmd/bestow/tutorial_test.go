package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/demo"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/exectest"

	"github.com/stretchr/testify/require"
)

// asBestow lets the test's program be bestow.
const asBestow = "BESTOW_TEST_AS_BESTOW"

// typed is one command of the tutorial and what it prints.
type typed struct {
	line    int // of the page
	command string
	prints  []string
}

// typedIn reads the commands of a page: in blocks marked console, a line after "$ ", which lines after "> " continue.
func typedIn(page string) (all []typed) {
	within := false
	for i, line := range strings.Split(page, "\n") {
		last := len(all) - 1
		switch {
		case strings.HasPrefix(line, "```"):
			within = line == "```console"
		case !within:
		case strings.HasPrefix(line, "$ "):
			all = append(all, typed{line: i + 1, command: line[2:]})
		case strings.HasPrefix(line, "> "):
			all[last].command += "\n" + line[2:]
		default:
			all[last].prints = append(all[last].prints, line)
		}
	}
	return all
}

// pattern matches what the command prints: … is anything in a line, and a line … is any number of lines.
func (c typed) pattern() *regexp.Regexp {
	var p strings.Builder
	p.WriteString(`\A`)
	for _, line := range c.prints {
		if line == "…" {
			p.WriteString(`(?:.*\n)*?`)
			continue
		}
		for i, part := range strings.Split(line, "…") {
			if i > 0 {
				p.WriteString(`.*`)
			}
			p.WriteString(regexp.QuoteMeta(part))
		}
		p.WriteString("[ \t]*\n")
	}
	p.WriteString(`\n*\z`) // curl and the shell end a list of lines by another one
	return regexp.MustCompile(p.String())
}

// What docs/tutorial.md shows is what its commands print.
func TestTutorial(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "sed", "seq", "grep"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the tutorial needs %s, which is not here", program)
		}
	}
	page, err := os.ReadFile("../../docs/tutorial.md")
	require.NoError(t, err)
	commands := typedIn(string(page))
	require.Greater(t, len(commands), 30)
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { return demo.PickyLedger{Granter: g} },
		Limits:  func(l *app.Limits) { l.Retry.Backoff = 100 * time.Millisecond },
	}, daemon.AllRoles...)
	server := httptest.NewServer(apitest.Handler(t, bestowhttp.Config{App: p.App, AdminKey: "key", Log: w.log}))
	t.Cleanup(server.Close)
	said := runTyped(t, server.URL, commands)
	for i, c := range commands {
		require.Regexp(t, c.pattern(), said[i], "docs/tutorial.md:%d: %s", c.line, c.command)
	}
}

// runTyped runs the commands in one shell, and returns what each printed.
func runTyped(t *testing.T, url string, commands []typed) (said []string) {
	t.Helper()
	dir := t.TempDir()
	program, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	exectest.Script(t, filepath.Join(dir, "bin", "bestow"), "#!/bin/sh\n"+asBestow+"=1 exec "+program+` "$@"`+"\n")
	here, err := filepath.Abs("../../docs")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(here, filepath.Join(dir, "docs")))
	const mark = "\x1e"
	var script strings.Builder
	for _, c := range commands {
		script.WriteString(c.command + "\nprintf '" + mark + "'\n")
	}
	shell := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
		"BESTOW_URL="+url, "BESTOW_KEY=key", "DATABASE_URL=", "NO_COLOR=1")
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s", out)
	said = strings.Split(strings.ReplaceAll(string(out), "\ufeff", ""), mark)
	require.Len(t, said, len(commands)+1)
	return said
}
