package pg_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open returns a pool on the database at address, closed when the test ends.
func open(t *testing.T, address string, o pg.Options) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), address, o)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// with is a database's address with further settings.
func with(t *testing.T, address string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		q.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // as libpq reads it
	return u.String()
}

// run runs statements in a session that is nobody else's and not ours; %s stands for the database's name.
func run(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	name := pgx.Identifier{conn.Config().Database}.Sanitize()
	for _, s := range statements {
		_, err := conn.Exec(t.Context(), strings.ReplaceAll(s, "%s", name))
		require.NoError(t, err)
	}
}

// setting returns what a session has.
func setting(t *testing.T, pool *pgxpool.Pool, name string) (value string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value))
	return value
}

// dropDatabase drops a database that a test has made beside its own.
func dropDatabase(t *testing.T, address, name string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), address)
	require.NoError(t, err)
	_, err = conn.Exec(context.Background(), `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(context.Background()))
}
