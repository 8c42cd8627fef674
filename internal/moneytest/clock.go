package moneytest

import (
	"testing"

	"bestow/money"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// testClock is a function now() that stands before PostgreSQL's own in the search path of the test's sessions.
const testClock = `CREATE SCHEMA testclock; CREATE TABLE testclock.hand (at timestamptz NOT NULL); INSERT INTO testclock.hand VALUES (now());
	CREATE FUNCTION testclock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM testclock.hand';
	UPDATE money.point_sweep SET began_at = '2000-01-01';
	INSERT INTO money.point_master (code, name, max_hold, max_point, type_code, validity_kind, validity_days, regrant_days)
	VALUES ('capped', 'Capped', 150, 100, 'CAP', 'days', 2, 5)`

// Clocked is a ledger whose clock is the test's.
func Clocked(t *testing.T, order money.SpendOrder) Bundle {
	t.Helper()
	b := Setup(t)
	_, err := b.Pool.Exec(t.Context(), testClock)
	require.NoError(t, err)
	config := b.Pool.Config()
	config.ConnConfig.RuntimeParams["search_path"] = "testclock, pg_catalog, money"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.Pool, b.Config.Pool, b.Config.SpendOrder = pool, pool, order
	b.Ledger = NewLedger(t, b.Config)
	return b
}
