package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bestow/internal/embedpg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// holdEnv makes TestHold in a copy of this binary hold a database until its stdin ends.
const holdEnv = "BESTOW_PGTEST_HOLD"

// TestHold runs in the processes that the tests below kill; by itself it does nothing.
func TestHold(t *testing.T) {
	t.Parallel()
	if os.Getenv(holdEnv) == "" {
		return
	}
	pool := pgtest.New(t)
	var dir string
	require.NoError(t, pool.QueryRow(t.Context(), `SHOW data_directory`).Scan(&dir))
	fmt.Println("held", filepath.Dir(dir), pool.Config().ConnConfig.Database)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// run is a test process of its own that holds a database.
type run struct {
	dir, database string
	cmd           *exec.Cmd
	stdin         io.Closer
}

func hold(t *testing.T, env ...string) *run {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^TestHold$")
	cmd.Env = append(append(os.Environ(), holdEnv+"=1"), env...)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error: it has ended
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "held" {
			return &run{dir: words[1], database: words[2], cmd: cmd, stdin: stdin}
		}
	}
	require.FailNow(t, "the test process holds no database")
	return nil
}

// kill is kill -9.
func (r *run) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Kill())
	_ = r.cmd.Wait() // "signal: killed"
}

// end lets the tests of the process end as they do.
func (r *run) end(t *testing.T) {
	t.Helper()
	require.NoError(t, r.stdin.Close())
	require.NoError(t, r.cmd.Wait())
}

// A run that ends leaves nothing; of one that was killed the next run takes away what is left, and spares the living.
func TestKilledRun(t *testing.T) {
	t.Parallel()
	living, killed := hold(t), hold(t)
	killed.kill(t)
	next := hold(t)
	require.NoDirExists(t, killed.dir)
	require.DirExists(t, living.dir)
	next.end(t)
	require.NoDirExists(t, next.dir)
	living.end(t)
	require.NoDirExists(t, living.dir)
}

// The same on a server that outlives the runs.
func TestKilledRunOnServer(t *testing.T) {
	t.Parallel()
	url := otherServer(t)
	env := "BESTOW_TEST_DATABASE_URL=" + url
	living, killed := hold(t, env), hold(t, env)
	killed.kill(t)
	require.Eventually(t, func() bool { // the server notices the death of a client when it looks
		hold(t, env).end(t)
		return !exists(t, url, killed.database)
	}, time.Minute, time.Millisecond)
	require.True(t, exists(t, url, living.database))
	living.end(t)
	require.False(t, exists(t, url, living.database))
}

// otherServer is one that this process's own databases are not on.
func otherServer(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-pgtest-other-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	s, err := embedpg.Start(t.Context(), embedpg.Options{Dir: dir, Settings: map[string]string{"fsync": "off"}})
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Kill()
		require.NoError(t, embedpg.Remove(context.Background(), dir))
	})
	return s.URL
}

func exists(t *testing.T, url, database string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	run := database[:strings.LastIndex(database, "_")]
	var n int
	require.NoError(t,
		conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE starts_with(datname, $1)`, run).Scan(&n))
	return n > 0
}
