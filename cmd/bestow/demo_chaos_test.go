package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/proc"
	"bestow/money/moneyclient"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// build is this command as a binary.
func build(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "bestow")
	out, err := exec.CommandContext(tb.Context(), "go", "build", "-ldflags=-w", "-o", binary,
		"bestow/cmd/bestow").CombinedOutput()
	require.NoError(tb, err, "%s", out)
	return binary
}

// chaosDemo is `demo --chaos` as a process, in this world and that folder. Its ports are its own: another demo of these
// tests would take the default one while our api is dead.
func (w *world) chaosDemo(binary, dir string, args ...string) *exec.Cmd {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	w.Cleanup(cancel)
	ports, err := proc.FreePorts(ctx, 3)
	require.NoError(w, err)
	cmd := exec.CommandContext(ctx, binary, append([]string{"demo", "--chaos", "--exit"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + w.cfg.DatabaseURL,
		"KAFKA_BROKERS=" + strings.Join(w.cfg.Brokers, ","),
		"BESTOW_TOPIC_PREFIX=" + w.cfg.TopicPrefix, "BESTOW_DATA_DIR=" + dir,
		"BESTOW_ADDR=" + proc.Address(ports[0]), "BESTOW_OPS_ADDR=" + proc.Address(ports[1]),
		"BESTOW_MONEY_ADDR=" + proc.Address(ports[2]), // while a killed api is down, another test may take a default
	}
	return cmd
}

// A demo that kills what it shows goes on until everybody was killed who was to be, and ends with the proof and 0.
// Killed itself in the middle of that, it leaves no process behind, and the next one finishes and proves what it had
// begun.
func TestDemoUnderKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	binary, dir := build(t), t.TempDir()
	first := w.chaosDemo(binary, dir, "--members", "80000", "--seed", "33")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = read.Close() }()
	first.Stdout, first.Stderr = write, write
	require.NoError(t, first.Start())
	require.NoError(t, write.Close())
	require.NoError(t, until(read, "kill -9"))
	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())
	require.Eventually(t, func() bool { return running(t, binary) == 0 }, 10*time.Second, 50*time.Millisecond,
		"no orphan")

	second := w.chaosDemo(binary, dir, "--members", "5000", "--kills", "3", "--seed", "2")
	out, err := second.CombinedOutput()
	said := string(out)
	require.NoError(t, err, said)
	require.Contains(t, said, "Finishes    2 events of a killed demo with 88,000 members")
	require.Contains(t, said, "3, every few seconds; --seed 2 repeats them")
	require.Equal(t, 3, strings.Count(said, " kill -9  "), said)
	require.Equal(t, 3, strings.Count(said, " ready    all of them again, "), said)
	require.Regexp(t, `Killed      \d+ processes with kill -9, at 3 moments: `, said)
	require.Contains(t, said, "✓ all 34 invariants hold")
	require.NotContains(t, said, "\r", "nobody watches it: no bar")
	requireAddedUp(t, said, 5_500)
	require.Zero(t, running(t, binary), "nobody is left")
	require.Zero(t, w.count(`SELECT count(*) FROM campaign_events WHERE event_status <> 'COMPLETED'`))
}

// Where the events are over before everybody was killed who was to be, more are made, and all of them are proved.
func TestDemoTooSmallForItsKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.chaosDemo(build(t), t.TempDir(), "--members", "10", "--kills", "2", "--seed", "33").CombinedOutput()
	said := string(out)
	require.NoError(t, err, said)
	require.Equal(t, 2, strings.Count(said, " kill -9  "), said)
	further := len(regexp.MustCompile(`Too soon    for [12] more kills?: the demo makes two more events`).FindAllString(
		said, -1))
	events := w.count(`SELECT count(*) FROM campaign_events WHERE event_status = 'COMPLETED'`)
	require.Equal(t, 2+2*further, events,
		"how often more were needed is the machine's: a slow broker leaves time for a kill")
	require.Equal(t, events, strings.Count(said, "✓ all 34 invariants hold"), "each event is proved")
}

// A demo that kills and stays up ends with how to ask for a member's points, and the ledger answers there. Its lines fit
// on a terminal, and it names its logs at the end as it did at the beginning.
func TestDemoUnderKillsThatStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	demo := w.chaosDemo(build(t), dir, "--members", "10", "--kills", "1")
	demo.Args[slices.Index(demo.Args, "--exit")] = "--stay"
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = read.Close() }()
	demo.Stdout, demo.Stderr = write, write
	require.NoError(t, demo.Start())
	require.NoError(t, write.Close())
	var said bytes.Buffer
	require.NoError(t, until(io.TeeReader(read, &said), "    Logs     "+filepath.Join(dir, "demo", "*.log\n")), said.String())
	require.Contains(t, said.String(), "\n  Logs        "+filepath.Join(dir, "demo", "*.log\n"))
	for line := range strings.Lines(strings.ReplaceAll(said.String(), demo.Path, "bestow")) {
		if !strings.Contains(line, dir) {
			require.Less(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), 80, line)
		}
	}
	points := regexp.MustCompile(`BESTOW_MONEY_URL=(\S+)\s+export BESTOW_MONEY_TOKEN=(\S+)\s+\S+ member balance (\S+)\n`).
		FindStringSubmatch(said.String())
	require.NotEmpty(t, points, said.String())
	ledger, err := moneyclient.New(moneyclient.Config{URL: points[1], Token: points[2]})
	require.NoError(t, err)
	t.Cleanup(ledger.Close)
	member, err := ledger.Member(t.Context(), points[3])
	require.NoError(t, err)
	require.Positive(t, member.Balance)
	require.NoError(t, demo.Process.Signal(os.Interrupt))
	require.NoError(t, demo.Wait())
}

// shares are the three numbers of what was granted at first, granted at a retry, and refused for good.
var shares = regexp.MustCompile(`Granted +([\d,]+) in .*\n(?:.*\n)*?.*Refused +([\d,]+) for now: [^;]*;\s+([\d,]+)\s+for good`)

// requireAddedUp asserts that what was said of a pair of events is all of their members.
func requireAddedUp(t *testing.T, said string, members int) {
	t.Helper()
	pairs := shares.FindAllStringSubmatch(said, -1)
	require.NotEmpty(t, pairs, said)
	for _, pair := range pairs {
		sum := 0
		for _, number := range pair[1:] {
			n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
			require.NoError(t, err)
			sum += n
		}
		require.Equal(t, members, sum, pair[0])
	}
}

// until reads until a word was said.
func until(r io.Reader, word string) error {
	var said bytes.Buffer
	for !strings.Contains(said.String(), word) {
		if _, err := io.CopyN(&said, r, 1); err != nil {
			return fmt.Errorf("wait for %q: %w: %s", word, err, &said)
		}
	}
	return nil
}

// running counts the processes that run a program.
func running(t *testing.T, binary string) (n int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, exe := range all {
		if path, err := os.Readlink(exe); err == nil && path == binary { // an error: it has just ended
			n++
		}
	}
	return n
}

// What cannot be is refused before anything is started.
func TestDemoUsage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, line := range []string{"demo --kills 3", "demo --seed 3", "demo --chaos --kills 0", "demo --members 9"} {
		code, _, errs := s.run(line)
		require.Equal(t, terminal.ExitUsage, code, "%s: %s", line, errs)
	}
}
