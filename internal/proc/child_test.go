package proc

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell is a program that runs a script.
func shell(t *testing.T, speaks bool, script string) Program {
	t.Helper()
	return Program{
		Name: "sh", Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		Log: filepath.Join(t.TempDir(), "sh.log"), Speaks: speaks,
	}
}

// A child that speaks is there when it has said its line; killed by us, it has not ended by itself.
func TestChildSpeaksAndIsKilled(t *testing.T) {
	t.Parallel()
	p := shell(t, true, "echo trouble >&2; echo here I am; exec sleep 600")
	c, err := p.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "here I am", c.Said)
	require.NoError(t, c.Ended())
	c.Kill()
	require.NoError(t, c.Ended())
	require.ErrorContains(t, c.err, "killed")

	again, err := p.Start(t.Context())
	require.NoError(t, err)
	again.Stop(time.Minute)
	log, err := os.ReadFile(p.Log)
	require.NoError(t, err)
	require.Equal(t, "trouble\ntrouble\n", string(log), "both runs are in the log")
}

// How a child ended can be told: by SIGKILL, or by an exit code of its own.
func TestHowAChildEnded(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		killed bool
		result string
	}{
		"kill -9 $$": {true, "signal: killed"}, "exit 3": {false, "exit status 3"},
		"kill -15 $$": {false, "signal: terminated"}, "exit 0": {false, ""},
	} {
		c, err := shell(t, false, script).Start(t.Context())
		require.NoError(t, err)
		<-c.Done()
		require.Equal(t, want.killed, c.Killed(), script)
		if want.result == "" {
			require.NoError(t, c.Result())
			continue
		}
		require.EqualError(t, c.Result(), want.result)
	}
}

// A port is given to one of those who ask, even before he listens.
func TestFreePortsAreGivenOutOnce(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 20 {
		ports, err := FreePorts(t.Context(), 50)
		require.NoError(t, err)
		for _, p := range ports {
			require.False(t, seen[p])
			seen[p] = true
		}
	}
}

// portsHelper makes TestPortsOfAnotherProcess the other process.
const portsHelper = "BESTOW_TEST_PORTS"

// Two processes that ask never get the same port, whether it is listened on or not.
func TestPortsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	const many = 6_000 // four tenths of all: by chance, some would be the same
	if os.Getenv(portsHelper) != "" {
		ports, err := FreePorts(t.Context(), many)
		require.NoError(t, err)
		fmt.Println(ports)
		return
	}
	ports, err := FreePorts(t.Context(), 500)
	require.NoError(t, err)
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPortsOfAnotherProcess$")
	other.Env = append(os.Environ(), portsHelper+"=yes")
	out, err := other.CombinedOutput()
	require.NoError(t, err, "%s", out)
	theirs := regexp.MustCompile(`\d{5}`).FindAllString(string(out), -1)
	require.Len(t, theirs, many)
	for _, p := range ports {
		require.NotContains(t, theirs, strconv.Itoa(p))
	}
}

// A child that ends unasked has ended by itself, whatever its exit code; the error has its last words.
func TestChildEndsByItself(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"exit 0": `sh ended by itself, exit status 0, after it said "": see `,
		"echo begins; echo port taken >&2; echo; exit 1": `sh ended by itself, exit status 1, after it said "port taken": see `,
	} {
		c, err := shell(t, false, script).Start(t.Context())
		require.NoError(t, err)
		<-c.Done()
		require.ErrorContains(t, c.Ended(), want)
	}
}

// A server that ends before its line, or is not there, is an error at the start.
func TestChildDoesNotStart(t *testing.T) {
	t.Parallel()
	_, err := shell(t, true, "exit 3").Start(t.Context())
	require.ErrorContains(t, err, "exit status 3")
	missing := shell(t, false, "")
	missing.Args = []string{"/nowhere"}
	_, err = missing.Start(t.Context())
	require.ErrorContains(t, err, "start sh")
}

// Who waits for the line of a child can be interrupted.
func TestChildStartInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := shell(t, true, "exec sleep 600").Start(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
