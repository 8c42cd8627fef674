package pgcopy_test

import (
	"io"
	"testing"

	"bestow/internal/pgcopy"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Each kind of field arrives as it was; an error and a panic of what makes the rows are errors, and nothing is kept.
func TestCopyIn(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Empty(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	_, err = conn.Exec(t.Context(), `CREATE TABLE rows (a bigint, b integer, c text, d text)`)
	require.NoError(t, err)
	write := func(n int, after func() error) error {
		return pgcopy.CopyIn(t.Context(), conn, `COPY rows FROM STDIN (FORMAT binary)`,
			func(r pgcopy.Row) (pgcopy.Row, error) {
				if n--; n < 0 {
					return r, after()
				}
				return r.Begin(4).Int8(-1 << 40).Int4(7).Text([]byte("가")).Null(), nil
			})
	}
	require.NoError(t, write(10_000, func() error { return io.EOF }))
	var n int
	count := `SELECT count(*) FROM rows WHERE (a, b, c) = (-1::bigint << 40, 7, '가') AND d IS NULL`
	require.NoError(t, conn.QueryRow(t.Context(), count).Scan(&n))
	require.Equal(t, 10_000, n)
	require.ErrorIs(t, write(5_000, func() error { return io.ErrNoProgress }), io.ErrNoProgress)
	require.ErrorContains(t, write(5_000, func() error { return []error{}[n] }), "index out of range")
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM rows`).Scan(&n))
	require.Equal(t, 10_000, n)
}
