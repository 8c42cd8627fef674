package main

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// backup copies w's database, which no process uses, and returns the address of the copy.
func (w *world) backup() string {
	w.Helper()
	w.pool.Close()
	u, err := url.Parse(w.cfg.DatabaseURL)
	require.NoError(w, err)
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	conn, err := pgx.Connect(w.Context(), u.String())
	require.NoError(w, err)
	defer func() { _ = conn.Close(w.Context()) }()
	backup := name + "_backup"
	_, err = conn.Exec(w.Context(), `CREATE DATABASE `+pgx.Identifier{backup}.Sanitize()+` TEMPLATE `+
		pgx.Identifier{name}.Sanitize())
	require.NoError(w, err)
	admin := u.String()
	w.Cleanup(func() {
		ctx := context.WithoutCancel(w.Context())
		conn, err := pgx.Connect(ctx, admin)
		if err == nil {
			_, err = conn.Exec(ctx, `DROP DATABASE `+pgx.Identifier{backup}.Sanitize()+` WITH (FORCE)`)
			_ = conn.Close(ctx)
		}
		require.NoError(w, err)
	})
	u.Path = "/" + backup
	return u.String()
}

// A backup that was made in the middle of an event takes the database's place, after the event went on to its end: with
// the Kafka of then, which is further than the backup, and with an empty one. The event completes, and each member is
// granted once in the ledger that was restored with it.
func TestRestoredInMidRun(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]bool{"the old Kafka": false, "an empty Kafka": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ownBroker()
			const half = `SELECT count(*) FROM point_results WHERE status = 'SUCCESS'`
			var ledger outage
			ledger.last.Store(50) // it breaks in the middle
			p, end := w.start(t.Context(), ledger.overrides(), daemon.AllRoles...)
			e := w.event(p, "POINT", 20_000)
			w.run(p, e)
			require.Eventually(t, func() bool { return p.Granter.Away(e) != nil }, time.Minute, 5*time.Millisecond)
			end()
			then := w.count(half)
			require.Positive(t, then)
			require.Less(t, then, 20_000, "the event was in the middle")
			published := w.count(`SELECT published_count FROM campaign_event_summary`)
			backup := w.backup()
			w.reopen()
			p, end = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			w.exact(p, w.completed(p, e.ID))
			end()

			w.cfg.DatabaseURL = backup
			w.reopen()
			require.Equal(t, then, w.count(half))
			require.Equal(t, published, w.count(`SELECT published_count FROM campaign_event_summary`))
			if empty {
				w.ownBroker()
			}
			require.Equal(t, 1, w.count(`SELECT count(*) FROM campaign_events WHERE event_status = 'RUNNING'`))
			p, end = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			defer end()
			w.exact(p, w.completed(p, e.ID))
		})
	}
}

// All processes are moved to another Kafka in the middle of an event, whose topics are made anew with another number of
// partitions: what the old one held and nobody had read is published again, and nobody is granted twice.
func TestMovesToAnotherKafka(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownBroker()
	p, end := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	var ledger outage
	ledger.last.Store(50) // it breaks in the middle
	handler, endHandler := w.start(t.Context(), ledger.overrides(), daemon.RoleHandler)
	e := w.event(p, "POINT", 20_000)
	w.run(p, e)
	require.Eventually(t, func() bool { return handler.Granter.Away(e) != nil }, time.Minute, 5*time.Millisecond)
	endHandler()
	const unread = `SELECT count(*) FROM grant_chunks WHERE published_at IS NOT NULL AND settled_at IS NULL`
	require.Eventually(t, func() bool { return w.count(unread) > 20 }, time.Minute, 10*time.Millisecond)
	end()
	w.ownBroker()
	w.cfg.Partitions = 3
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.exact(p, w.completed(p, e.ID))
}
