package pgtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// EveryRow returns every row of every table as text, a line each, with bytea in hex. With it a test shows that a
// secret is stored nowhere.
func EveryRow(tb testing.TB, pool *pgxpool.Pool) string {
	tb.Helper()
	rows, err := pool.Query(tb.Context(),
		`SELECT format('SELECT r::text FROM %I.%I r', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	require.NoError(tb, err)
	queries, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(tb, err)
	var all strings.Builder
	for _, query := range queries {
		rows, err := pool.Query(tb.Context(), query)
		require.NoError(tb, err)
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(tb, err)
		for _, text := range texts {
			all.WriteString(text + "\n")
		}
	}
	return all.String()
}
