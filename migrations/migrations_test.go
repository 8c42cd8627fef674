package migrations_test

import (
	"strings"
	"sync"
	"testing"

	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Ten processes that migrate one empty database at once do no harm, and again changes nothing.
func TestTenMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.Error(t, migrations.Current(t.Context(), url), "nothing is there yet")
	before, err := migrations.Status(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, tables(t, url), "to look changes nothing")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { assert.NoError(t, migrations.Up(t.Context(), url)) })
	}
	wg.Wait()
	require.NoError(t, migrations.Current(t.Context(), url))
	require.NoError(t, migrations.Up(t.Context(), url))
	steps, err := migrations.Status(t.Context(), url)
	require.NoError(t, err)
	require.Len(t, steps, len(before))
	for i, s := range steps {
		require.Equal(t, migrations.Step{Name: s.Name}, before[i])
		require.NotZero(t, s.AppliedAt)
	}
}

// tables counts the tables in the schema public.
func tables(t *testing.T, url string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = c.Close(t.Context()) }()
	require.NoError(t, c.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&n))
	return n
}

// A database that had events before it had an installation id takes messages that name none as its own; a new one does
// not, since another installation may have written them.
func TestInstallation(t *testing.T) {
	t.Parallel()
	earlier := before(t, "0016_installation.sql")
	ids := map[string]bool{}
	for _, c := range []struct {
		name   string
		before string // what an earlier version wrote
		ours   bool
	}{
		{"new", "", false},
		{"upgraded, never used", "SELECT 1", false},
		{"upgraded", `INSERT INTO campaign_events (campaign_id, event_type, created_by) VALUES ('c', 'POINT', 'a')`, true},
	} {
		url := pgtest.Empty(t)
		if c.before != "" {
			require.NoError(t, migrations.UpFrom(t.Context(), url, earlier), c.name)
			require.Error(t, migrations.Current(t.Context(), url), c.name)
			exec(t, url, c.before)
		}
		require.NoError(t, migrations.Up(t.Context(), url), c.name)
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		var id string
		var ours bool
		require.NoError(t,
			conn.QueryRow(t.Context(), `SELECT id::text, unnamed_are_ours FROM installation`).Scan(&id, &ours))
		require.Equal(t, c.ours, ours, c.name)
		ids[id] = true
		require.NoError(t, conn.Close(t.Context()))
	}
	require.Len(t, ids, 3, "each has an id of its own")
}

func exec(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// A schema that the default or a role's search path prefers does not hide the tables, and an address that asks for
// another schema gets no second half of them.
func TestAnotherSchemaHidesNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.Up(t.Context(), url))
	exec(t, url,
		`DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', current_user); EXECUTE format('ALTER DATABASE %I SET search_path = nope', current_database()); END $$`)
	require.NoError(t, migrations.Current(t.Context(), url))
	require.NoError(t, migrations.Up(t.Context(), url))

	exec(t, url, `CREATE SCHEMA other`)
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	err := migrations.Up(t.Context(), url+separator+"search_path=other")
	require.ErrorContains(t, err, `in schema "public" already`)
	require.ErrorContains(t, err, "leave search_path out")
}
