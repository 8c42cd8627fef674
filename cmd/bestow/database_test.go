package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// keyValues is an address as key=value.
func keyValues(t *testing.T, address string) string {
	t.Helper()
	c, err := pgx.ParseConfig(address)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	return "host=" + c.Host + " port=" + u.Port() + " user=" + c.User + " password='" + c.Password + "' dbname=" +
		c.Database + " sslmode=disable"
}

// Every spelling of DATABASE_URL is good for every command: a process starts with it, grants, and the proof is made; so
// are the migrations (C15).
func TestEverySpellingOfTheAddress(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{
		"default_query_exec_mode=exec", "default_query_exec_mode=simple_protocol",
		"default_query_exec_mode=cache_describe",
		"default_query_exec_mode=describe_exec", "statement_cache_capacity=0",
		"pool_max_conns=10&pool_min_conns=2&pool_max_conn_lifetime=0s",
		"target_session_attrs=any", "words",
	} {
		t.Run(spelling, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if spelling == "words" {
				w.cfg.DatabaseURL = keyValues(t, w.cfg.DatabaseURL) + " default_query_exec_mode=exec pool_max_conns=10"
			} else {
				w.cfg.DatabaseURL += "&" + spelling
			}
			require.Contains(t, w.cfg.DatabaseURL, "sslmode=disable")
			require.NoError(t, migrations.Up(t.Context(), w.cfg.DatabaseURL))
			require.NoError(t, migrations.Current(t.Context(), w.cfg.DatabaseURL))
			p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			for _, kind := range []string{"POINT", "VOUCHER"} {
				e := w.event(p, kind, 300)
				w.run(p, e)
				w.exact(p, w.completed(p, e.ID))
			}
		})
	}
}

// What the database's owner has set for all who connect does not reach the service: it grants as ever, an event stops
// at once, and the proof is green (C15).
func TestForeignDefaults(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, setting := range []string{
				"default_transaction_isolation = '" + isolation + "'", "plan_cache_mode = force_generic_plan",
				"statement_timeout = '300ms'",
				"lock_timeout = '10ms'", "idle_in_transaction_session_timeout = '50ms'", "client_encoding = 'EUC_KR'",
				"standard_conforming_strings = off", "DateStyle = 'German, DMY'", "TimeZone = 'Pacific/Kiritimati'",
				"IntervalStyle = 'iso_8601'",
				"bytea_output = 'escape'", "synchronous_commit = off",
			} {
				w.exec(`ALTER DATABASE ` + w.pool.Config().ConnConfig.Database + ` SET ` + setting)
			}
			p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			one, other := w.event(p, "POINT", 3_000), w.event(p, "VOUCHER", 300)
			w.run(p, one)
			w.granted(100)
			_, err := p.App.Events.Stop(t.Context(), operator, one.ID, "look")
			require.NoError(t, err)
			_, _, err = p.App.Events.Resume(t.Context(), operator, one.ID)
			require.NoError(t, err)
			w.run(p, other)
			w.exact(p, w.completed(p, one.ID))
			w.exact(p, w.completed(p, other.ID))
			require.Empty(t, slices.DeleteFunc(w.lost(), func(what string) bool {
				// A relay job that found the event stopped, and resumed before it was done, runs once more.
				return strings.Contains(what, "completed, attempt 2") && strings.Contains(what, "event was resumed meanwhile")
			}))
		})
	}
}

// The address of another user is not ours to show.
func TestOpenSaysWhichSetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.DatabaseURL = pgtest.URL(t) + "&pool_max_conns=many"
	_, err := daemon.OpenPool(t.Context(), w.cfg)
	require.ErrorContains(t, err, "pool_max_conns")
	u, parseErr := url.Parse(w.cfg.DatabaseURL)
	require.NoError(t, parseErr)
	password, _ := u.User.Password()
	require.False(t, strings.Contains(err.Error(), password))
}
