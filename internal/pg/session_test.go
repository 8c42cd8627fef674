package pg_test

import (
	"net/url"
	"testing"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// foreign holds what a database's owner may have set for all who connect, and what our sessions have instead.
var foreign = []struct{ name, theirs, ours string }{
	{"default_transaction_isolation", "serializable", "read committed"},
	{"default_transaction_isolation", "repeatable read", "read committed"},
	{"plan_cache_mode", "force_generic_plan", "force_custom_plan"},
	{"jit", "on", "off"},
	{"synchronous_commit", "off", "on"},
	{"synchronous_commit", "local", "local"},
	{"synchronous_commit", "remote_apply", "remote_apply"},
	{"statement_timeout", "300ms", "0"},
	{"lock_timeout", "1ms", "0"},
	{"idle_in_transaction_session_timeout", "1ms", "30s"},
	{"idle_session_timeout", "2s", "0"},
	{"client_encoding", "EUC_KR", "UTF8"},
	{"standard_conforming_strings", "off", "on"},
	{"DateStyle", "German, DMY", "ISO, MDY"},
	{"IntervalStyle", "iso_8601", "postgres"},
	{"TimeZone", "Asia/Seoul", "UTC"},
	{"bytea_output", "escape", "hex"},
	{"quote_all_identifiers", "on", "off"},
	{"search_path", "nope", "public"},
	{"client_connection_check_interval", "7s", "1s"},
}

// What a database or a role sets for all its sessions does not reach ours (C15).
func TestSessionsSetWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for _, f := range foreign {
		t.Run(f.name+" "+f.theirs, func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			run(t, address, `ALTER DATABASE %s SET `+f.name+` = '`+f.theirs+`'`)
			require.Equal(t, f.ours, setting(t, open(t, address, pg.Options{}), f.name))
			require.Equal(t, f.ours, setting(t, open(t, address, pg.Options{Standby: true}), f.name))
		})
	}
}

// The set-up needs no temporary file: a role may have little memory and no room for files (B6).
func TestSetUpNeedsNoFile(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	run(t, address, `ALTER DATABASE %s SET work_mem = '64kB'`, `ALTER DATABASE %s SET temp_file_limit = '64kB'`)
	pool := open(t, address, pg.Options{})
	require.Equal(t, "64kB", setting(t, pool, "work_mem"), "it was for the set-up alone")
	require.Equal(t, "read committed", setting(t, pool, "default_transaction_isolation"))
}

// What an address asks for is the operator's own word, however it is spelled.
func TestTheAddressWins(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	for _, s := range []string{
		"statement_timeout=7s", "options=-c statement_timeout=7s",
		"options=--statement-timeout=7s",
	} {
		require.Equal(t, "7s", setting(t, open(t, with(t, address, s), pg.Options{}), "statement_timeout"), s)
	}
	for name, value := range map[string]string{
		"client_encoding": "LATIN1", "DateStyle": "German", "TimeZone": "Asia/Seoul", "bytea_output": "escape",
	} {
		plain := setting(t, open(t, address, pg.Options{}), name)
		require.Equal(t, plain, setting(t, open(t, with(t, address, name+"="+value), pg.Options{}), name),
			"how values are read and written is not the operator's: a name would be stored garbled")
	}
	require.Equal(t, "bestow", setting(t, open(t, address, pg.Options{}), "application_name"))
	require.Equal(t, "points", setting(t, open(t, with(t, address, "application_name=points"), pg.Options{}),
		"application_name"))
}

// A database that cannot hold every character is refused, with what to do.
func TestEncodingIsRefused(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	name := u.Path[1:] + "_euc"
	run(t, address, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+
		` ENCODING 'EUC_KR' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
	t.Cleanup(func() { dropDatabase(t, address, name) })
	u.Path = "/" + name
	_, err = pg.Connect(t.Context(), u.String())
	require.ErrorIs(t, err, pg.ErrEncoding)
	require.ErrorContains(t, err, "EUC_KR")
	require.True(t, pg.Refused(err))
}

// A search_path of a database that puts a forger's relations, functions and operators before PostgreSQL's does not
// change which schema our sessions read (N10).
func TestSessionsReadTheSettingsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	exec := func(sql string) {
		conn, err := pgx.Connect(t.Context(), address)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
	}
	exec(`CREATE SCHEMA evil; CREATE SCHEMA fn; CREATE TABLE evil.campaign_events (id bigint);
		CREATE VIEW fn.pg_settings AS SELECT * FROM pg_catalog.pg_settings WHERE name <> 'search_path';
		CREATE FUNCTION fn.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2';
		CREATE FUNCTION fn.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
		CREATE OPERATOR fn.= (LEFTARG = text, RIGHTARG = text, FUNCTION = fn.same)`)
	run(t, address, `ALTER DATABASE %s SET search_path = evil, fn, pg_catalog`)
	require.Equal(t, "public", setting(t, open(t, address, pg.Options{}), "search_path"))
}
