package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const (
	insertEvent   = `INSERT INTO campaign_events (campaign_id, event_type, created_by) VALUES `
	demosEvent    = insertEvent + `('demo-POINT-20261121-114559.523', 'POINT', 'demo');`
	insertProcess = `INSERT INTO processes (id, roles, version, host, pid, reports, started_at, seen_at)
		VALUES (gen_random_uuid(), '{api}', 'v', 'h', 1, '[]', now(), now() - interval `
)

// The demo is let into a database that is empty or a demo's, and into no other: what it grants cannot be taken back.
func TestDemoDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, why string }{
		"a new installation":                     {``, ""},
		"a demo's events":                        {demosEvent, ""},
		"a killed demo":                          {demosEvent + insertProcess + `'1 second')`, ""},
		"a service that is gone":                 {insertProcess + `'1 hour')`, ""},
		"an event":                               {insertEvent + `('spring', 'POINT', 'admin')`, "has 1 event that no demo made"},
		"an event beside a demo's":               {demosEvent + insertEvent + `('spring', 'POINT', 'admin')`, "has 1 event that no demo made"},
		"events that are called like a demo's":   {insertEvent + `('demo-a', 'POINT', 'admin'), ('demo-b', 'POINT', 'admin')`, "has 2 events that no demo made"},
		"an event of somebody who is named demo": {insertEvent + `('spring', 'POINT', 'demo')`, "has 1 event that no demo made"},
		"a service that has no event yet":        {insertProcess + `'1 second')`, "is used by 1 process of a service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			letIn(t, pgtest.URL(t), c.sql, c.why)
		})
	}
	for name, c := range map[string]struct{ sql, why string }{
		"an empty database":            {``, ""},
		"a migration that was killed":  {`CREATE SCHEMA river; CREATE TABLE river.river_job (); CREATE TABLE goose_db_version ()`, ""},
		"another program":              {`CREATE TABLE users (); CREATE VIEW names AS SELECT FROM users`, "has 2 tables of another program"},
		"another program's schema":     {`CREATE SCHEMA shop; CREATE TABLE shop.orders ()`, "has 1 table of another program"},
		"an installation out of sight": {`CREATE SCHEMA app3; CREATE TABLE app3.campaign_events ()`, "has 1 table of another program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			letIn(t, pgtest.Empty(t), c.sql, c.why)
		})
	}
}

// letIn makes the database, and requires that the demo is let in, or told why not and what to do; it says where in any
// case.
func letIn(t *testing.T, url, sql, why string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	var screen bytes.Buffer
	d := &demo{out: &screen, cfg: settings.Config{DatabaseURL: url, Brokers: []string{"k:9092"}, TopicPrefix: "grants"}}
	err = d.startServers(t.Context())
	c, parsed := pgx.ParseConfig(url)
	require.NoError(t, parsed)
	said := strings.Join(strings.Fields(screen.String()), " ")
	require.Contains(t, said, "named by DATABASE_URL: database "+c.Database+" at ")
	if c.Password != "" {
		require.NotContains(t, screen.String(), c.Password)
	}
	if why == "" {
		require.NoError(t, err)
		require.Contains(t, screen.String(), "Kafka       k:9092, named by KAFKA_BROKERS; its topics grants.*")
		return
	}
	require.ErrorIs(t, err, &domain.Error{Code: domain.Invalid})
	require.ErrorContains(t, err, "the database "+c.Database+" of DATABASE_URL "+why)
}

// A server of the environment that cannot be used is named by its setting, with what to do, and the database is asked
// first.
func TestDemoServersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const unset = ", or unset DATABASE_URL: the demo then starts a PostgreSQL of its own"
	at, err := pgx.ParseConfig(pgtest.Empty(t))
	require.NoError(t, err)
	url := func(user, password, database string) string {
		return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password,
			net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))), database)
	}
	for address, cure := range map[string]string{
		"postgres://127.0.0.1:1/none?sslmode=disable": "start that PostgreSQL or correct the address" + unset,
		url(at.User, "wrong", at.Database):            "correct the user or the password" + unset,
		url(at.User, at.Password, "nowhere"):          "create the database" + unset,
	} {
		d := &demo{out: io.Discard, cfg: settings.Config{DatabaseURL: address}}
		e, ok := errors.AsType[*domain.Error](d.startServers(t.Context()))
		require.True(t, ok, address)
		require.Contains(t, e.Message, "open DATABASE_URL: ")
		require.NotContains(t, e.Message, "\n")
		require.Equal(t, cure, e.Hint)
	}
}

// A demo whose brokers do not answer says so while it waits, and at the end what to do.
func TestDemoWithoutItsKafka(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	d := &demo{out: &screen, cfg: settings.Config{Brokers: []string{"127.0.0.1:1"}}, log: slog.New(slog.DiscardHandler)}
	e, ok := errors.AsType[*domain.Error](d.awaitKafka(t.Context()))
	require.True(t, ok)
	require.Contains(t, screen.String(), "Kafka       no broker answers yet")
	require.Contains(t, e.Message, "open KAFKA_BROKERS: connect to Kafka at [127.0.0.1:1]")
	require.Contains(t, e.Hint, "or unset KAFKA_BROKERS")
}

// The demo never runs in production, and its help names the settings that it obeys.
func TestDemoProduction(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, refuseProduction("production"), "BESTOW_ENV is production")
	require.NoError(t, refuseProduction(""))
	require.NoError(t, refuseProduction("development"))
	require.Contains(t, Cmd{}.Help(), "DATABASE_URL")
	require.Contains(t, Cmd{}.Help(), "KAFKA_BROKERS")
}

// A demo goes elsewhere only where another process listens. At an address that it can never open it says which setting
// to correct.
func TestDemoAddresses(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	d := &demo{out: &screen}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	free, err := d.freeAddr(t.Context(), "API", "BESTOW_ADDR", l.Addr().String())
	require.NoError(t, err)
	require.NotEqual(t, l.Addr().String(), free)
	require.Contains(t, screen.String(), "because "+l.Addr().String()+" is in use")
	for _, addr := range []string{"192.0.2.1:8080", "127.0.0.1:99999", "no address"} {
		_, err := d.freeAddr(t.Context(), "API", "BESTOW_ADDR", addr)
		e, ok := errors.AsType[*domain.Error](err)
		require.True(t, ok, addr)
		require.Contains(t, e.Message, "open BESTOW_ADDR: ")
		require.Contains(t, e.Hint, "correct BESTOW_ADDR")
	}
}

// An import that is refused before it has read the demo's list leaves no goroutine behind that writes it.
func TestDemoListOfARefusedImport(t *testing.T) {
	t.Parallel()
	w := newStage(t)
	d := &demo{out: io.Discard, process: w.start(daemon.Overrides{}, daemon.RoleAPI)}
	_, err := d.importMembers(t.Context(), 999, 1_000_000)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
	require.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("demo.demoMembers"))
	}, 30*time.Second, 20*time.Millisecond)
}
