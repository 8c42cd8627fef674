package pgtest_test

import (
	"fmt"
	"testing"

	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Each test sees a migrated database that no other test writes to.
func TestNew(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			var plan string
			require.NoError(t, pool.QueryRow(t.Context(), `SHOW plan_cache_mode`).Scan(&plan))
			require.Equal(t, "force_custom_plan", plan)
			_, err := pool.Exec(t.Context(), `CREATE TABLE mine (n int)`)
			require.NoError(t, err, "another test's table is here")
			require.NoError(t, migrations.Current(t.Context(), pool.Config().ConnString()))
		})
	}
}

// Empty has no table at all, so that migrations themselves can be tested.
func TestEmpty(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Empty(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	var tables int
	require.NoError(t,
		conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables))
	require.Zero(t, tables)
}
