package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"bestow/internal/harness/testbed"
)

func main() { testbed.Main("mutants", run) }

// mutant is one fault.
type mutant struct {
	name     string
	file     string // of the module
	old, new string // old stands in the file once
	pkg, run string // the tests that must go red: a package, and the pattern of their names
}

// run works one command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "the beginning of the names of the faults to plant")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var planted int
	var survivors []string
	for _, m := range mutants {
		if !strings.HasPrefix(m.name, *only) {
			continue
		}
		planted++
		began := time.Now()
		test, err := m.killer(ctx, ".", dir)
		switch {
		case err != nil:
			return fmt.Errorf("plant %s: %w", m.name, err)
		case test == "":
			survivors = append(survivors, m.name)
			test = "SURVIVES"
		}
		_, _ = fmt.Fprintf(out, "%-34s %5.1f s  %s\n", m.name, time.Since(began).Seconds(), test)
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d faults were not found: %s", len(survivors), planted, strings.Join(survivors, ", "))
	}
	_, _ = fmt.Fprintf(out, "\n%d faults planted, each was found\n", planted)
	return nil
}

// killer plants the fault in the module at root, and returns the first test that finds it, "" if none does.
func (m mutant) killer(ctx context.Context, root, dir string) (test string, err error) {
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return "", err
	}
	args := []string{"test", "-overlay", overlay, "-count=1", "-failfast", "-vet=off", "-timeout=3m", "-run", m.run, m.pkg}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // what the list says
	cmd.Dir = root
	printed, err := cmd.CombinedOutput()
	if err == nil {
		return "", nil
	}
	if _, exited := errors.AsType[*exec.ExitError](err); !exited || ctx.Err() != nil {
		return "", fmt.Errorf("run tests: %w", err)
	}
	return failed(string(printed))
}

// failed is the first test that failed by what go test printed.
func failed(printed string) (test string, err error) {
	for line := range strings.Lines(printed) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); found {
			test, _, _ = strings.Cut(name, " ")
			if strings.Contains(test, "/") {
				return test, nil // the line of the table says more than the table
			}
		}
	}
	switch {
	case test != "":
		return test, nil
	case strings.Contains(printed, "panic: test timed out"):
		return "a test that does not end", nil
	}
	return "", fmt.Errorf("no test ran:\n%s", printed)
}

// overlay writes the faulty file and the list that lets the compiler read it, and returns the list.
func (m mutant) overlay(root, dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path) //nolint:gosec // a file of the list
	if err != nil {
		return "", err
	}
	faulty, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	replacement := filepath.Join(dir, "faulty.go")
	if err := os.WriteFile(replacement, []byte(faulty), 0o600); err != nil { //nolint:gosec // a folder of our own
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replacement}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// apply plants the fault in a source.
func (m mutant) apply(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%q stands in %s %d times, not once", m.old, m.file, n)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}
