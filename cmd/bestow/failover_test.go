package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/embedpg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// server is a PostgreSQL of the test's own, whose sessions can be made such that they only read.
type server struct {
	testing.TB
	url string
}

// ownServer gives w a PostgreSQL of its own.
func (w *world) ownServer() server {
	w.Helper()
	dir, err := os.MkdirTemp("", "bestow-failover-")
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, os.RemoveAll(dir)) })
	require.NoError(w, os.Chmod(dir, 0o755)) // PostgreSQL's account has to pass
	s, err := embedpg.Start(w.Context(),
		embedpg.Options{Dir: filepath.Join(dir, "postgres"), Settings: map[string]string{"fsync": "off"}})
	require.NoError(w, err)
	w.Cleanup(s.Kill)
	w.useDatabase(s.URL)
	return server{w, s.URL}
}

// exec runs statements in a session of its own, each by itself.
func (s server) exec(statements ...string) {
	s.Helper()
	conn, err := pgx.Connect(s.Context(), s.url)
	require.NoError(s, err)
	for _, statement := range append([]string{`SET default_transaction_read_only = off`}, statements...) {
		_, err = conn.Exec(s.Context(), statement)
		require.NoError(s, err)
	}
	require.NoError(s, conn.Close(s.Context()))
}

const (
	newMayWrite  = `ALTER DATABASE postgres SET default_transaction_read_only = off`
	newMayNot    = `ALTER DATABASE postgres RESET default_transaction_read_only`
	oldMayNot    = `ALTER SYSTEM SET default_transaction_read_only = on`
	endAll       = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bestow'`
	takeSettings = `SELECT pg_reload_conf()`
)

// A failover in the middle of an event, as the processes see it: from one moment on their sessions can only read, and
// new ones can write. Then one that takes a while, in which there is no server that can be written to. Both times
// writes are back within 30 s by themselves, and the event completes exactly; no session of before stays, River's
// listener among them (C11).
func TestFailover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.ownServer()
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	<-p.Router.Running()
	running := time.Now() // with all sessions that stay, River's listener among them
	desk := newDesk(t, p)
	e := w.event(p, "POINT", 20_000)
	w.run(p, e)
	w.granted(2_000)

	promoted := time.Now()
	s.exec(newMayWrite, oldMayNot, takeSettings)
	desk.writes(promoted)
	w.noneOfBefore(running)

	w.granted(6_000)
	demoted := time.Now()
	s.exec(newMayNot, endAll)
	require.Eventually(t, func() bool {
		return desk.create() == http.StatusServiceUnavailable && !desk.ready()
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, desk.load(e.ID, "", 10))
	require.False(t, desk.ready(), "it stays so")
	promoted = time.Now()
	s.exec(newMayWrite)
	desk.writes(promoted)
	w.noneOfBefore(demoted)

	w.exact(p, w.completed(p, e.ID))
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	require.Zero(t, desk.faults.Load())
}

// A process whose sessions stay open, and can only read, is not ready (C11).
func TestNotReadyWhileNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	t.Cleanup(p.Close)
	require.NotContains(t, w.ready(p), "postgresql")
	w.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	for _, c := range p.Pool.AcquireAllIdle(t.Context()) {
		_, err := c.Exec(t.Context(), `SET default_transaction_read_only = on`)
		require.NoError(t, err)
		c.Release()
	}
	require.NoError(t, p.Pool.Ping(t.Context()), "it answers")
	require.Contains(t, w.ready(p), "postgresql")
}

// writes waits until what is written is taken, for 30 s from a promotion on, and the process says that it is ready.
func (d *desk) writes(promoted time.Time) {
	d.Helper()
	require.Eventually(d, func() bool { return d.create() == http.StatusCreated && d.ready() }, 30*time.Second,
		50*time.Millisecond)
	d.Logf("written to %s after the promotion", time.Since(promoted).Round(time.Millisecond))
}

// create makes an event and returns the status of the answer.
func (d *desk) create() int {
	d.Helper()
	name := fmt.Sprint(time.Now().UnixNano())
	return d.ask("POST", "/events", name,
		strings.NewReader(fmt.Sprintf(`{"campaign_id": "made-%s", "event_type": "POINT"}`, name)))
}

// noneOfBefore waits until the process has no session of before a moment: well before a promotion, since one that
// begins just before it may find the settings of after it, and can write.
func (w *world) noneOfBefore(then time.Time) {
	w.Helper()
	const query = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bestow' AND backend_start < $1`
	w.pool.Reset() // the test's own
	require.Eventually(w, func() bool { return w.count(query, then) == 0 }, 30*time.Second, 100*time.Millisecond)
}
