package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/proc"

	"github.com/stretchr/testify/require"
)

// buildOld builds this command as it was at a commit.
func buildOld(t *testing.T, ref string) string {
	t.Helper()
	dir := t.TempDir()
	shell := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %s: %s", name, args, out)
		return strings.TrimSpace(string(out))
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	t.Logf("the old version is %s", shell("git", "-C", here, "log", "-1", "--format=%h of %cd: %s", ref))
	shell("git", "-C", filepath.Join(here, "../.."), "archive", "--format=tar", "-o",
		filepath.Join(dir, "old.tar"), ref)
	shell("tar", "-xf", "old.tar")
	binary := filepath.Join(dir, "bestow-old")
	shell("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", binary, "./cmd/bestow")
	return binary
}

// old runs an older binary in this world until the test ends, or until the function that is returned is called.
func (w *world) old(binary string, roles ...string) (stop func()) {
	w.Helper()
	log := filepath.Join(w.TempDir(), strings.Join(roles, "-")+".log")
	c, err := proc.Program{
		Name: "old " + strings.Join(roles, ","),
		Args: []string{binary, "serve", "--roles", strings.Join(roles, ",")}, Log: log, Env: []string{
			"DATABASE_URL=" + w.cfg.DatabaseURL, "KAFKA_BROKERS=" + strings.Join(w.cfg.Brokers, ","),
			"BESTOW_TOPIC_PREFIX=" + w.cfg.TopicPrefix,
			"BESTOW_TOPIC_PARTITIONS=" + strconv.Itoa(w.cfg.Partitions),
			"BESTOW_MESSAGE_TARGETS=" + strconv.Itoa(w.cfg.MessageTargets),
			"BESTOW_RETRY_BACKOFF=" + w.cfg.RetryBackoff.String(),
			"BESTOW_DB_MAX_CONNS=" + strconv.Itoa(w.cfg.MaxConns),
			"BESTOW_MASTER_KEY=" + w.cfg.MasterKey, "BESTOW_ADDR=127.0.0.1:0", "BESTOW_OPS_ADDR=127.0.0.1:0",
			"LOG_FORMAT=text",
		},
	}.Start(w.Context())
	require.NoError(w, err)
	stop = func() {
		said, _ := os.ReadFile(log) // for who asks why
		require.NoError(w, c.Ended(), "%s", said)
		c.Stop(30 * time.Second)
	}
	w.Cleanup(func() { c.Stop(time.Second) })
	return stop
}

// Two versions at once, as in a rolling deploy, on the schema of the newer one: whoever relays and whoever handles,
// every member is granted once, and who is refused meanwhile is tried again (F32). The old version is a commit:
//
//	BESTOW_TEST_OLD=main~30 go test ./cmd/bestow -run TwoVersions -v
func TestTwoVersions(t *testing.T) {
	t.Parallel()
	ref := os.Getenv("BESTOW_TEST_OLD")
	if ref == "" {
		t.Skip("two versions are tried on demand: BESTOW_TEST_OLD=COMMIT names the older one")
	}
	binary := buildOld(t, ref)
	for _, c := range []struct {
		name     string
		old, new []string
		refuses  bool     // the new handler's ledger refuses some at first
		upgraded []string // started while the event runs, after which the old ones stop
	}{
		{"the old relay for the new handler", []string{daemon.RoleRelay, daemon.RoleJobs}, []string{daemon.RoleHandler}, false, nil},
		{"the new relay for the old handler", []string{daemon.RoleHandler}, []string{daemon.RoleRelay, daemon.RoleJobs}, false, nil},
		{"both do everything", []string{daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs}, []string{daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs}, false, nil},
		{"the old relay has retries of the new handler", []string{daemon.RoleRelay, daemon.RoleJobs}, []string{daemon.RoleHandler}, true, nil},
		{"deployed while an event runs", []string{daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs}, nil, false, []string{daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(`UPDATE installation SET unnamed_are_ours = true`) // as of a database in use, which was upgraded
			stopOld := w.old(binary, c.old...)
			with := daemon.Overrides{}
			if c.refuses {
				with = w.told(func(m string, nth int) (domain.Verdict, bool) {
					if digit(m) == '1' && nth == 1 {
						return domain.RefusedForNow, false
					}
					return domain.Granted, true
				})
			}
			p, _ := w.start(t.Context(), with, append([]string{daemon.RoleAPI}, c.new...)...)
			members := 3_000
			if c.upgraded != nil {
				members = 20_000
			}
			for _, kind := range []string{"POINT", "VOUCHER"} {
				w.run(p, w.event(p, kind, members))
			}
			granted := func() int { return w.count(`SELECT sum(success_count) FROM campaign_event_summary`) }
			if c.upgraded != nil {
				require.Eventually(t, func() bool { return granted() > 0 }, time.Minute, 5*time.Millisecond)
				w.start(t.Context(), daemon.Overrides{}, c.upgraded...)
				stopOld()
				require.Less(t, granted(), 2*members, "something is left to the new version")
			}
			for id := range int64(2) {
				w.exact(p, w.completed(p, id+1))
			}
			if c.refuses {
				require.Positive(t, w.count(`SELECT sum(retry_success_count) FROM campaign_event_summary`))
			}
			require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`), "both understand both")
			require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`))
			if c.upgraded == nil {
				stopOld()
			}
		})
	}
}
