package migrations_test

import (
	"bytes"
	"io/fs"
	"regexp"
	"testing"

	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A migration that finds a table in use lets others go on, and is done when the table is free: an import may read its
// upload for half an hour while grants need the same table.
func TestMigrationHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0053_names.sql")))
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(t.Context()) })
		return conn
	}
	importing, granting := connect(), connect()
	tx, err := importing.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM campaign_events`)
	require.NoError(t, err)

	migrated := make(chan error, 1)
	go func() { migrated <- migrations.Up(t.Context(), url) }()
	waits := `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'campaign_events'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)`
	for waiting := false; !waiting; {
		require.NoError(t, granting.QueryRow(t.Context(), waits).Scan(&waiting))
	}
	_, err = granting.Exec(t.Context(), `SELECT FROM campaign_events`) // it waits until the migration gives up, and not for the import
	require.NoError(t, err)
	select {
	case err := <-migrated:
		require.Fail(t, "it must wait for the import", err)
	default:
	}
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-migrated)
	require.NoError(t, migrations.Current(t.Context(), url))
}

// Each migration since then that changes a table in use says how long it may hold others up.
func TestMigrationsLimitTheirLocks(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.Files(), "*.sql")
	require.NoError(t, err)
	changes := regexp.MustCompile(`(?m)^(ALTER TABLE|CREATE (UNIQUE )?INDEX|DROP|LOCK)|REFERENCES`)
	for _, name := range names {
		body, err := fs.ReadFile(migrations.Files(), name)
		require.NoError(t, err)
		if name >= "0053" && changes.Match(body) {
			limit := "SET LOCAL lock_timeout"
			if bytes.HasPrefix(body, []byte("-- +goose NO TRANSACTION\n")) {
				limit = "SET lock_timeout"
			}
			require.Contains(t, string(body), limit, name)
		}
	}
}

// The indexes of the record come in a transaction each, so that what writes the record, as the brake does, waits for one
// of them and not for all; a try that ended between them goes on.
func TestRecordIsHeldUpForOneIndex(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0055_audit_filters.sql")))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	_, err = conn.Exec(t.Context(), `CREATE INDEX audit_log_actor ON audit_log (actor, id);
		CREATE TABLE made (tag text, transaction xid8, patience text);
		CREATE FUNCTION note_index() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO made SELECT tg_tag, pg_current_xact_id(), current_setting('lock_timeout'); END $$;
		CREATE EVENT TRIGGER note_index ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION note_index()`)
	require.NoError(t, err)
	require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0056")))
	var transactions, impatient int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(DISTINCT transaction), count(*) FILTER (WHERE patience = '2s') FROM made`).
		Scan(&transactions, &impatient))
	require.Equal(t, 3, transactions)
	require.Equal(t, 3, impatient)
}
