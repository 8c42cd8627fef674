package pg

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// pgbouncer says all that it refuses by one SQLSTATE: only one of its texts tells of its mode.
func TestPoolerWithoutTransactions(t *testing.T) {
	t.Parallel()
	for text, is := range map[string]bool{
		"transaction blocks not allowed in statement pooling mode": true,
		"query_wait_timeout":                 false,
		"no more connections allowed":        false,
		"server login has been failing":      false,
		"database is paused, try again soon": false,
	} {
		require.Equal(t, is, refusesTransactions(&pgconn.PgError{Code: "08P01", Message: text}), text)
	}
	require.False(t, refusesTransactions(&pgconn.PgError{Code: "57P01"}))
	require.False(t, refusesTransactions(nil))
}
