//go:build unix

package embedpg

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A server is durable, private to this machine, wants its password, and finds its data again after a stop.
func TestStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "a", "b")
	s := start(t, Options{Dir: dir})
	require.Equal(t, "on on UTF8 C", query(t, s.URL, `SELECT concat_ws(' ', current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('server_encoding'), datcollate)
		FROM pg_database WHERE datname = 'postgres'`))
	require.Equal(t, "127.0.0.1", query(t, s.URL, `SHOW listen_addresses`))
	require.Empty(t, query(t, s.URL, `SHOW unix_socket_directories`))
	require.Contains(t, query(t, s.URL, `SHOW server_version`), s.Version)
	execute(t, s.URL, `CREATE TABLE kept AS SELECT 'here' AS word`)

	wrong, err := url.Parse(s.URL)
	require.NoError(t, err)
	wrong.User = url.UserPassword(superuser, "guess")
	_, err = pgx.Connect(t.Context(), wrong.String())
	require.ErrorContains(t, err, "28P01", "the password is not asked for")
	info, err := os.Stat(filepath.Join(dir, "password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Stop(t.Context()), "stopped twice")
	nobodyLivesIn(t, dir)
	again := start(t, Options{Dir: dir})
	require.Equal(t, "here", query(t, again.URL, `SELECT word FROM kept`))
}

// A secret in our environment is not in postgres', and no PG variable bends it.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, entry := range environment() {
		require.NotContains(t, entry, "BESTOW")
		require.False(t, len(entry) > 1 && entry[:2] == "PG", entry)
	}
	require.Contains(t, environment(), "LC_ALL=C")
}

// One folder, one instance: the second is told so, and may start when the first has stopped.
func TestInUse(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := start(t, Options{Dir: dir, Settings: quick()})
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, dir)
	require.ErrorIs(t, Remove(t.Context(), dir), ErrInUse)
	require.Equal(t, "1", query(t, s.URL, `SELECT '1'`), "the attempt has hurt the first")
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, start(t, Options{Dir: dir, Settings: quick()}).Stop(t.Context()))
	foreign := filepath.Join(dir, "thesis.txt")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))
	require.ErrorContains(t, Remove(t.Context(), dir), "remove data folder")
	require.FileExists(t, foreign, "it was not ours")
	require.NoError(t, os.Remove(foreign))
	require.NoError(t, Remove(t.Context(), dir))
	require.NoDirExists(t, dir)
	require.NoError(t, Remove(t.Context(), dir), "removed twice")
}

// Postgres itself is killed: Done says so, Stop says why, and the next start has all that was committed.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := start(t, Options{Dir: dir})
	execute(t, s.URL, `CREATE TABLE kept AS SELECT 'here' AS word`)
	require.NoError(t, syscall.Kill(s.PID, syscall.SIGKILL))
	<-s.Done()
	require.ErrorContains(t, s.Stop(t.Context()), "killed")
	require.Equal(t, "here", query(t, start(t, Options{Dir: dir}).URL, `SELECT word FROM kept`))
}

// Stop does not wait for a client for ever, and loses nothing when it does not.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := start(t, Options{Dir: dir})
	execute(t, s.URL, `CREATE TABLE kept AS SELECT 'here' AS word`)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(over); err != nil { // nil: it was quicker than we are
		require.ErrorIs(t, err, context.Canceled)
	}
	nobodyLivesIn(t, dir)
	require.Equal(t, "here", query(t, start(t, Options{Dir: dir}).URL, `SELECT word FROM kept`))
}

// An initdb that was killed leaves a folder; it is neither used nor kept.
func TestHalfMadeCluster(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	half := filepath.Join(dir, "data.new-123")
	require.NoError(t, os.MkdirAll(filepath.Join(half, "base"), 0o700))
	start(t, Options{Dir: dir, Settings: quick()})
	require.NoDirExists(t, half)
}

// The number in a stale postmaster.pid belongs to a living stranger: postgres alone would refuse to start.
func TestStalePID(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, start(t, Options{Dir: dir, Settings: quick()}).Stop(t.Context()))
	stranger := strangerOfAccount(t, "sleep", "600")
	file := filepath.Join(dir, "data", "postmaster.pid")
	require.NoError(t, os.WriteFile(file, []byte(strconv.Itoa(stranger)+"\n"), 0o644))
	s := start(t, Options{Dir: dir, Settings: quick()})
	require.Equal(t, "1", query(t, s.URL, `SELECT '1'`))
	require.False(t, gone(stranger), "the stranger was taken for an orphan")
}

// What a caller got wrong is said in words, postgres' own included.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for _, c := range []struct {
		name    string
		options Options
		says    string
	}{
		{"no folder", Options{}, "no folder given"},
		{"a file", Options{Dir: "/dev/null"}, "not a folder"},
		{"our setting", Options{Dir: dir, Settings: map[string]string{"Listen_Addresses": "*"}}, "not the caller's to set"},
		{"unknown setting", Options{Dir: dir, Settings: map[string]string{"no_such": "1"}}, "no_such"},
		{"port taken", Options{Dir: dir, Port: taken.Addr().(*net.TCPAddr).Port}, "port is taken"},
	} {
		_, err := Start(t.Context(), c.options)
		require.ErrorContains(t, err, c.says, c.name)
	}
	require.NoError(t, start(t, Options{Dir: dir}).Stop(t.Context()), "an error has spoilt the folder")
}

// A cluster is never opened with another major version, nor one whose password is lost.
func TestForeignCluster(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600))
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorIs(t, err, ErrNoBinaries)
	require.ErrorContains(t, err, "PostgreSQL 9 made")

	d := &folder{path: dir}
	_, err = d.password()
	require.ErrorContains(t, err, "put it back")
}

func TestDefaultDir(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		root              bool
		system, xdg, home string
		want              string
	}{
		{true, "linux", "/x", "/root", "/var/lib/bestow"},
		{false, "linux", "/x", "/home/a", "/x/bestow"},
		{false, "linux", "relative", "/home/a", "/home/a/.local/share/bestow"},
		{false, "darwin", "", "/Users/a", "/Users/a/Library/Application Support/bestow"},
		{false, "linux", "", "", ""},
	} {
		require.Equal(t, c.want, defaultDir(c.root, c.system, c.xdg, c.home))
	}
}
