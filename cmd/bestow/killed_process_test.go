//go:build failpoint

package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"

	"github.com/stretchr/testify/require"
)

// serve is the binary, built with failpoints, as a process of its own in this world, which does what the rules say.
func (w *world) serve(binary, rules string, roles ...string) *exec.Cmd {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute) // a process that does not die as it should
	w.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, "serve", "--roles", strings.Join(roles, ","))
	cmd.Env = []string{
		"DATABASE_URL=" + w.cfg.DatabaseURL,
		"KAFKA_BROKERS=" + strings.Join(w.cfg.Brokers, ","),
		"BESTOW_TOPIC_PREFIX=" + w.cfg.TopicPrefix,
		"BESTOW_TOPIC_PARTITIONS=" + strconv.Itoa(w.cfg.Partitions),
		"BESTOW_ADDR=127.0.0.1:0", "BESTOW_OPS_ADDR=127.0.0.1:0",
		"BESTOW_MASTER_KEY=" + w.cfg.MasterKey,
		"BESTOW_TEST_FAILPOINTS=" + rules,
	}
	return cmd
}

// A process is killed by a rule of its environment, where the rule says and not before; a rule that is misspelt stops
// its start. What it leaves is given to others by the handler, which finds that it is gone, and is exact (F5, F8).
func TestAProcessKilledByARule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	binary := filepath.Join(t.TempDir(), "bestow")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "failpoint", "-ldflags=-w", "-o", binary,
		"bestow/cmd/bestow").CombinedOutput()
	require.NoError(t, err, "%s", out)

	var exit *exec.ExitError
	out, err = w.serve(binary, "relay.after_akc=kill", daemon.RoleRelay).CombinedOutput()
	require.ErrorAs(t, err, &exit)
	require.Equal(t, terminal.ExitFailed, exit.ExitCode())
	require.Contains(t, string(out), "did you mean relay.after_ack?")

	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler)
	e := w.event(p, "POINT", 600)
	w.run(p, e)
	relay := w.serve(binary, "relay.before_commit=delay:10ms;relay.after_ack=kill@3", daemon.RoleRelay)
	var said bytes.Buffer
	relay.Stderr = &said
	require.ErrorAs(t, relay.Run(), &exit, "%s", &said)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGKILL, status.Signal(), "%s", &said)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleJobs)
	w.exact(p, w.completed(p, e.ID))
	require.Positive(t, w.count(`SELECT count(*) FROM river.river_job
		WHERE kind = 'relay' AND errors[1]->>'error' = 'the process that worked it is gone'`), "it died at work")
	require.Equal(t, 600, w.count(`SELECT count(*) FROM money.point_member`))
}
