//go:build unix

package embedpg

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// helperEnv makes a copy of the test binary a starter that may be killed: "start DIR" or "watch PID".
const helperEnv = "BESTOW_EMBEDPG_HELPER"

func TestMain(m *testing.M) {
	if task := os.Getenv(helperEnv); task != "" {
		if err := help(task); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// help does its task, says so in one line, and waits to be killed or for the end of stdin.
func help(task string) error {
	what, arg, _ := strings.Cut(task, " ")
	switch what {
	case "start":
		s, err := Start(context.Background(), Options{Dir: arg, Settings: quick()})
		if err != nil {
			return err
		}
		fmt.Println(s.PID, s.URL)
		wait()
		return s.Stop(context.Background())
	case "watch":
		pid, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		if _, err := watch(pid); err != nil {
			return err
		}
		fmt.Println("watching")
		wait()
		return nil
	}
	return fmt.Errorf("help: unknown task %q", what)
}

func wait() { bufio.NewScanner(os.Stdin).Scan() }

// helper is a running copy of this test binary.
type helper struct {
	cmd   *exec.Cmd
	said  string
	close func() // ends its stdin, at which it ends in order
}

// runHelper starts a helper and waits for its line. Change may make it another user's; wrap is a command before it.
func runHelper(t *testing.T, task string, change func(*exec.Cmd), wrap ...string) *helper {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	args := append(wrap, self)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), helperEnv+"="+task)
	cmd.Stderr = os.Stderr
	if change != nil {
		change(cmd)
	}
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	h := &helper{cmd: cmd, close: func() { _ = stdin.Close() }}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error: it has ended
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "helper said %q", line)
	require.NotContains(t, line, "error:")
	h.said = strings.TrimSpace(line)
	return h
}

// pidAndURL return what a helper that has started a server said.
func (h *helper) pidAndURL(t *testing.T) (int, string) {
	t.Helper()
	first, url, _ := strings.Cut(h.said, " ")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err, "helper said %q", h.said)
	return pid, url
}

// kill is kill -9, and the wait for its end.
func (h *helper) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, h.cmd.Process.Kill())
	_ = h.cmd.Wait() // "signal: killed"
}

// quick are settings for a cluster that need not survive the machine.
func quick() map[string]string { return map[string]string{"fsync": "off", "shared_buffers": "16MB"} }

// tempDir is a folder that postgres' account can pass, as t.TempDir is not for a root's tests.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-embedpg-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	return dir
}

// start starts a server that is stopped with the test.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(s.Kill)
	return s
}

// query runs one statement that returns one text.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var value string
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&value))
	return value
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// strangerOfAccount runs a program as postgres' account, but not as our postgres, until the test ends.
func strangerOfAccount(t *testing.T, file string, args ...string) int {
	t.Helper()
	a, err := chooseAccount()
	require.NoError(t, err)
	cmd := exec.Command(file, args...)
	cmd.Dir, cmd.Env = "/", environment()
	cmd.SysProcAttr = a.attr(false)
	require.NoError(t, cmd.Start())
	reaped := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(reaped)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error: it has ended
		<-reaped
	})
	return cmd.Process.Pid
}

// eventually polls until the condition holds.
func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 10*time.Millisecond, what)
}

// gone reports whether a process has ended. One that is dead but not yet reaped by its parent counts.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// nobodyLivesIn fails the test if a postgres of the folder is still there.
func nobodyLivesIn(t *testing.T, dir string) {
	t.Helper()
	eventually(t, func() bool {
		pids, err := livingIn(t.Context(), filepath.Join(dir, "data"))
		require.NoError(t, err)
		return len(pids) == 0
	}, "postgres of "+dir+" has not ended")
}
