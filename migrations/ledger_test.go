package migrations_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// before is the migrations that come before the named one.
func before(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	earlier := fstest.MapFS{}
	names, err := fs.Glob(migrations.Files(), "*.sql")
	require.NoError(t, err)
	for _, file := range names {
		if file < name {
			body, err := fs.ReadFile(migrations.Files(), file)
			require.NoError(t, err)
			earlier[file] = &fstest.MapFile{Data: body}
		}
	}
	return earlier
}

// oldSave is the statement with which the version before 0040 saves.
const oldSave = `WITH saved AS (
		INSERT INTO money.point_member (member_id, point, idempotency_key, issue_date, point_status_code, point_type_code, ref_unique_id, expiry_at, expiry_date)
		SELECT 'm' || n % 700, n, 'grant:7:' || n, '20260101', 'S', 'CM', '7',
			CASE WHEN n % 3 > 0 THEN now() - interval '400 days' + n * interval '1 day' END, '99991231'
		FROM generate_series(1, 2000) n
		RETURNING point_member_id, member_id, point
	), lots AS (
		INSERT INTO money.point_member_detail (point_member_id, save_point_member_id, member_id, point, point_status_code)
		SELECT point_member_id, point_member_id, member_id, point, 'S' FROM saved
	)
	SELECT count(*) FROM saved`

// A ledger that has been in use keeps every lot, with all of it left; an older version that goes on is refused.
func TestLedgerInUse(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0040_ledger.sql")))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	exec(t, url, oldSave)
	exec(t, url,
		`INSERT INTO money.point_master (code, name, validity_days) VALUES ('review', 'Review', 30), ('old', 'Old', NULL)`)
	require.NoError(t, migrations.Up(t.Context(), url))

	var lots, sum, remaining, wrong int
	require.NoError(t,
		conn.QueryRow(t.Context(), `SELECT count(*), sum(point), sum(remaining) FROM money.point_member_detail`).Scan(
			&lots, &sum, &remaining))
	require.Equal(t, []int{2000, 2001000, 2001000}, []int{lots, sum, remaining})
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM money.point_member m
		FULL JOIN money.point_lot l USING (member_id, point_member_id)
		WHERE (m.point, m.expiry_at, m.created_at, m.point_member_id, m.point_member_id) IS DISTINCT FROM
			(l.remaining, l.expiry_at, l.created_at, l.save_point_member_id, l.point_member_detail_id)`).Scan(&wrong))
	require.Zero(t, wrong, "lots that are not their save's image")
	var due bool
	require.NoError(t,
		conn.QueryRow(t.Context(),
			`SELECT swept_until <= (SELECT min(expiry_at) FROM money.point_lot) FROM money.point_sweep`).Scan(&due))
	require.True(t, due, "what has run out already is still to be listed")
	var kinds string
	require.NoError(t,
		conn.QueryRow(t.Context(),
			`SELECT string_agg(code || ' ' || validity_kind, ', ' ORDER BY code) FROM money.point_master`).Scan(&kinds))
	require.Equal(t, "old none, review days", kinds)

	_, err = conn.Exec(t.Context(), oldSave)
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "23505", refused.Code, "its keys are there")
	_, err = conn.Exec(t.Context(),
		`INSERT INTO money.point_member_detail (point_member_id, save_point_member_id, member_id, point, point_status_code)
		VALUES (1, 1, 'm', 1, 'S')`)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "point_lot_remaining", refused.ConstraintName)
}

// A ledger whose lots do not match its saves is not migrated: nothing of it changes.
func TestLedgerThatIsDamaged(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]string{
		"have a save":              `DELETE FROM money.point_member WHERE idempotency_key = 'grant:7:9'`,
		"details that are no lots": `UPDATE money.point_member_detail SET point_status_code = 'U' WHERE point_member_id = 9`,
	} {
		url := pgtest.Empty(t)
		require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0040_ledger.sql")))
		exec(t, url, oldSave)
		exec(t, url, damage)
		err := migrations.Up(t.Context(), url)
		require.ErrorContains(t, err, what)
		require.ErrorContains(t, err, "bestow verify")
	}
}

// History is append-only, for the owner too.
func TestLedgerIsAppendOnly(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.Up(t.Context(), url))
	exec(t,
		url,
		`INSERT INTO money.point_member (point_member_id, member_id, point, idempotency_key, issue_date, point_status_code, point_type_code, expiry_date)
			VALUES (1, 'm', 10, 'k', '20260101', 'S', 'RV', '99991231'), (2, 'm', -4, 'l', '20260101', 'U', 'O', '99991231');
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code) VALUES (1, 1, 1, 'm', 10, 6, 'S');
		INSERT INTO money.point_draw (point_member_id, save_point_member_id, member_id, point, point_status_code) VALUES (2, 1, 'm', -4, 'U');
		INSERT INTO money.point_cancel (member_id, cancel_point_member_id, save_point_member_id, policy, asked, taken, expired, uncollected)
		VALUES ('m', 3, 1, 'debt', 9, 2, 3, 4)`)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	for _, sql := range []string{
		`UPDATE money.point_member SET reason = 'x'`, `DELETE FROM money.point_member`, `TRUNCATE money.point_member`,
		`UPDATE money.point_draw SET point = -5`, `DELETE FROM money.point_draw`, `TRUNCATE money.point_draw`,
		`UPDATE money.point_lot SET point = 11`, `UPDATE money.point_lot SET expiry_at = now(), remaining = 5`,
		`DELETE FROM money.point_lot`, `TRUNCATE money.point_lot`,
		`UPDATE money.point_cancel SET asked = 10, uncollected = 5`,
		`UPDATE money.point_cancel SET expired = 7, uncollected = 0`,
		`UPDATE money.point_cancel SET policy = 'remaining'`,
		`UPDATE money.point_cancel SET cancel_point_member_id = 4`,
		`DELETE FROM money.point_cancel`, `TRUNCATE money.point_cancel`,
		`UPDATE money.point_member_detail SET point = point + 1`, `DELETE FROM money.point_member_detail`,
		`TRUNCATE money.point_member_detail`,
	} {
		_, err := conn.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused, sql)
		require.Equal(t, "55000", refused.Code, sql)
	}
	for sql, constraint := range map[string]string{
		`UPDATE money.point_lot SET remaining = 11`:   "point_lot_remaining",
		`UPDATE money.point_lot SET remaining = -1`:   "point_lot_remaining",
		`UPDATE money.point_lot SET remaining = NULL`: "point_lot_remaining",
		`INSERT INTO money.point_member (member_id, point, idempotency_key, issue_date, point_status_code, point_type_code, expiry_date)
			VALUES ('m', 1, 'x', '20260101', 'C', 'RV', '99991231')`: "point_member_sign",
		`INSERT INTO money.point_member (member_id, point, idempotency_key, issue_date, point_status_code, point_type_code, expiry_date)
			VALUES ('m', 0, 'x', '20260101', 'U', 'RV', '99991231')`: "point_member_sign",
	} {
		_, err := conn.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused, sql)
		require.Equal(t, constraint, refused.ConstraintName, sql)
	}
	exec(t, url, `UPDATE money.point_lot SET remaining = 0; UPDATE money.point_cancel SET collected = 4`)
}
