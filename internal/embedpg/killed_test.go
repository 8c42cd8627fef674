//go:build linux

package embedpg

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bestow/internal/exectest"

	"github.com/stretchr/testify/require"
)

// The starter is killed: its postgres ends by itself, and the next start needs nobody's help.
func TestStarterKilled(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	for range 3 {
		h := runHelper(t, "start "+dir, nil)
		pid, dsn := h.pidAndURL(t)
		execute(t, dsn, `CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('here')`)
		h.kill(t)
		eventually(t, func() bool { return gone(pid) }, "postgres outlives its starter")
	}
	s := start(t, Options{Dir: dir, Settings: quick()})
	require.Equal(t, "3", query(t, s.URL, `SELECT count(*)::text FROM kept`))
}

// Starter and postgres are killed in the same moment: the backends may still be there when the next one starts.
func TestBothKilled(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	for range 3 {
		h := runHelper(t, "start "+dir, nil)
		pid, dsn := h.pidAndURL(t)
		execute(t, dsn, `CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('here')`)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		h.kill(t)
	}
	s := start(t, Options{Dir: dir, Settings: quick()})
	require.Equal(t, "3", query(t, s.URL, `SELECT count(*)::text FROM kept`))
}

// A postgres that nobody told to stop is stopped by the next start, which then has its data.
func TestOrphan(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := start(t, Options{Dir: dir, Settings: quick()})
	postgres, err := os.Readlink("/proc/" + strconv.Itoa(s.PID) + "/exe")
	require.NoError(t, err)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()))

	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	orphan := strangerOfAccount(t, postgres, arguments(filepath.Join(dir, "data"), port, quick())...)
	p := &process{pid: orphan}
	require.NoError(t, p.ready(t.Context(), filepath.Join(dir, "data")))
	execute(t, s.URL, `CREATE TABLE kept AS SELECT 'here' AS word`)

	again := start(t, Options{Dir: dir, Settings: quick()})
	require.True(t, gone(orphan))
	require.Equal(t, "here", query(t, again.URL, `SELECT word FROM kept`))
}

// Remove ends an orphan too, and takes the folder away.
func TestRemoveAfterKill(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	h := runHelper(t, "start "+dir, nil)
	h.kill(t)
	require.NoError(t, Remove(t.Context(), dir))
	require.NoDirExists(t, dir)
	nobodyLivesIn(t, dir)
}

// An ordinary user runs postgres as himself; root runs this test as nobody.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	h := runHelper(t, "start "+filepath.Join(dir, "pg"), func(cmd *exec.Cmd) { asOrdinary(t, cmd, dir) })
	pid, dsn := h.pidAndURL(t)
	require.Equal(t, "1", query(t, dsn, `SELECT '1'`))
	h.close()
	require.NoError(t, h.cmd.Wait(), "stop in order")
	require.True(t, gone(pid))
}

// asOrdinary has the helper run as nobody, from a copy of this binary that nobody can reach, if we are root.
func asOrdinary(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	a, err := chooseAccount()
	require.NoError(t, err)
	if !a.other() {
		return
	}
	helper := filepath.Join(dir, "helper")
	exectest.Copy(t, cmd.Path, helper)
	cmd.Path, cmd.Dir = helper, dir
	require.NoError(t, a.own(dir))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

// A root that cannot become nobody (no right to, or a container that knows one user only) runs postgres as nobody of a
// user namespace: its files stay ours. An ordinary user is no such root, and runs postgres as himself here.
func TestRootWhoCannotBecomeNobody(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string][]string{
		"no right":      {"setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-all"},
		"one user only": {"unshare", "--user", "--map-root-user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if os.Geteuid() != 0 {
				wrap = nil
			}
			dir := tempDir(t)
			h := runHelper(t, "start "+dir, nil, wrap...)
			pid, dsn := h.pidAndURL(t)
			require.Equal(t, "1", query(t, dsn, `SELECT '1'`))
			info, err := os.Stat(filepath.Join(dir, "data"))
			require.NoError(t, err)
			require.EqualValues(t, os.Geteuid(), info.Sys().(*syscall.Stat_t).Uid)
			h.kill(t)
			eventually(t, func() bool { return gone(pid) }, "postgres outlives its starter")
			again := runHelper(t, "start "+dir, nil, wrap...)
			again.close()
			require.NoError(t, again.cmd.Wait())
		})
	}
}

// A root without any capability can run nothing as nobody, and is told what to do.
func TestRootWithoutCapabilities(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		require.False(t, account{}.other(), "an ordinary user needs no other account")
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command("setpriv", "--bounding-set=-all", "--inh-caps=-all", self)
	cmd.Env = append(os.Environ(), helperEnv+"=start "+tempDir(t))
	said, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "set DATABASE_URL")
}

// Postgres' account is told from which folder it is shut out.
func TestReach(t *testing.T) {
	t.Parallel()
	top := tempDir(t)
	closed := filepath.Join(top, "closed")
	require.NoError(t, os.MkdirAll(filepath.Join(closed, "inner"), 0o755))
	require.NoError(t, os.Chmod(closed, 0o700))
	stranger := account{uid: 4242, gid: 4242, nobody: true}
	require.ErrorContains(t, stranger.reach(filepath.Join(closed, "inner")), closed+" has mode 0700")
	require.NoError(t, stranger.reach(top))
	require.NoError(t, account{}.reach(closed), "ourselves")
	if os.Geteuid() == 0 {
		_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "inner")})
		require.ErrorContains(t, err, "BESTOW_DATA_DIR")
	}
	require.Equal(t, ", such as /var/lib/bestow", suggestion(account{}))
}

// Modes that somebody changed are put right by the next start, those of the folder and of what is secret in it.
func TestModesOfAnInstance(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "ours")
	require.NoError(t, os.Mkdir(dir, 0o700))
	modes := map[string]os.FileMode{"": 0o000, "data": 0o755, "password": 0o644}
	for round := range 2 {
		require.NoError(t, start(t, Options{Dir: dir, Settings: quick()}).Stop(t.Context()), "round %d", round)
		for name, wrong := range modes {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			if os.Geteuid() == 0 || name != "" {
				require.Equal(t, map[string]os.FileMode{"": 0o755, "data": 0o700, "password": 0o600}[name],
					info.Mode().Perm(), name)
			}
			require.NoError(t, os.Chmod(filepath.Join(dir, name), wrong|0o100)) // passable for this loop
		}
		require.NoError(t, os.Chmod(dir, 0o000))
	}
	require.NoError(t, os.Chmod(dir, 0o700)) // for the cleanup of an ordinary user
}

// Without Pdeathsig a shell watches: it stops postgres when we are killed, and does nothing when postgres ends first.
func TestWatch(t *testing.T) {
	t.Parallel()
	watched := exec.Command("sleep", "600")
	require.NoError(t, watched.Start())
	h := runHelper(t, "watch "+strconv.Itoa(watched.Process.Pid), nil)
	h.kill(t)
	require.ErrorContains(t, watched.Wait(), "interrupt")

	spared := exec.Command("sleep", "600")
	require.NoError(t, spared.Start())
	over, err := watch(spared.Process.Pid)
	require.NoError(t, err)
	over()
	require.False(t, gone(spared.Process.Pid), "a number that may be another's by now was signalled")
	require.NoError(t, spared.Process.Kill())
	require.True(t, strings.Contains(spared.Wait().Error(), "killed"))
}
