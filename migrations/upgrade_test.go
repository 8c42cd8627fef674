package migrations_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"bestow/app/verify"
	"bestow/internal/pgtest"
	"bestow/migrations"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// savedBefore is the statement with which the version before 0040 saves a batch: items $2 to $3, of which one in four
// never expires, one in four has run out, and the others expire in the years to come.
const savedBefore = `WITH saved AS (
		INSERT INTO money.point_member (member_id, point, idempotency_key, reason, issue_date, point_status_code,
			point_type_code, ref_unique_id, expiry_at, expiry_date)
		SELECT i.member_id, i.point, i.key, 'review', (SELECT to_char(now() AT TIME ZONE $1, 'YYYYMMDD')), 'S', 'RV', i.key, i.expiry_at,
			coalesce(to_char(i.expiry_at AT TIME ZONE $1, 'YYYYMMDD'), '99991231')
		FROM (SELECT 'm' || n % 50000 AS member_id, 100 + n % 900 AS point, 'review:' || n AS key,
				CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN now() - n % 400 * interval '1 day' - interval '1 hour' ELSE now() + n % 1000 * interval '1 day' + interval '1 hour' END AS expiry_at
			FROM generate_series($2::int, $3::int) n) i
		RETURNING point_member_id, member_id, point, idempotency_key
	), lots AS (
		INSERT INTO money.point_member_detail (point_member_id, save_point_member_id, member_id, point, point_status_code)
		SELECT point_member_id, point_member_id, member_id, point, 'S' FROM saved
	)
	SELECT count(*) FROM saved`

// ledgerBefore is a database of the version before 0040, with n saves.
func ledgerBefore(t *testing.T, n int) (string, *pgxpool.Pool) {
	t.Helper()
	url := pgtest.Empty(t)
	require.NoError(t, migrations.UpFrom(t.Context(), url, before(t, "0040_ledger.sql")))
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	const batch = 1000
	for first := 1; first <= n; first += batch {
		_, err := pool.Exec(t.Context(), savedBefore, "Asia/Seoul", first, min(first+batch-1, n))
		require.NoError(t, err)
	}
	return url, pool
}

// longestRead reads a member's history again and again until ctx ends, and returns the longest that it waited for.
func longestRead(ctx context.Context, url string) (longest time.Duration, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for ctx.Err() == nil {
		began := time.Now()
		_, err := conn.Exec(ctx, `SELECT sum(point) FROM money.point_member WHERE member_id = 'm7'`)
		if err != nil && ctx.Err() == nil {
			return 0, err
		}
		longest = max(longest, time.Since(began))
	}
	return longest, nil
}

// A ledger of the version before is upgraded: the proof is clean before anything else is done, and its points expire,
// are used and are cancelled. BESTOW_TEST_OLD_SAVES=1000000 makes it as large, and -v says what the upgrade took.
func TestUpgradeOfALedgerInUse(t *testing.T) {
	t.Parallel()
	n := pgtest.Times(t, "BESTOW_TEST_OLD_SAVES", 4_000)
	url, pool := ledgerBefore(t, n)
	reading, stop := context.WithCancel(t.Context())
	defer stop()
	type waited struct {
		longest time.Duration
		err     error
	}
	read := make(chan waited, 1)
	go func() {
		longest, err := longestRead(reading, url)
		read <- waited{longest, err}
	}()
	began := time.Now()
	require.NoError(t, migrations.Up(t.Context(), url))
	took := time.Since(began)
	stop()
	w := <-read
	require.NoError(t, w.err)
	t.Logf("%d saves: upgraded in %s; a reader of the ledger waited for %s", n, took.Round(time.Millisecond),
		w.longest.Round(time.Millisecond))
	requireClean(t, pool)

	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	require.NoError(t, err)
	expired := expireAll(t, ledger)
	require.Equal(t, n/4, expired, "one in four")
	soon := time.Now().Add(time.Minute)
	for m := range 20 {
		member := fmt.Sprint("m", 4*m+2)
		page, err := ledger.Movements(t.Context(), money.HistoryQuery{MemberID: member, Kind: money.KindSave})
		require.NoError(t, err)
		require.NotEmpty(t, page)
		first := page[len(page)-1]
		use := money.Spending{Key: "use " + member, MemberID: member, Amount: 60, TypeCode: "ORDER", Ref: "order"}
		used, err := ledger.Use(t.Context(), soon, use)
		require.NoError(t, err)
		require.Equal(t, []money.Part{{SaveID: first.TxID, Amount: -60}}, used.Lots)
		_, err = ledger.Cancel(t.Context(), soon,
			money.Cancel{Key: "back " + member, MemberID: member, TxID: used.TxID, Amount: 10})
		require.NoError(t, err)
		done, err := ledger.Cancel(t.Context(), soon,
			money.Cancel{Key: "claw " + member, MemberID: member, TxID: first.TxID, OnUsed: money.OweUsed})
		require.NoError(t, err)
		require.EqualValues(t, []int64{first.Amount - 50, 50}, []int64{done.Cancelled, done.Uncollected})
	}
	requireClean(t, pool)
}

// expireAll expires all that has run out, and returns the number of lots.
func expireAll(t *testing.T, ledger *moneydb.Ledger) (lots int) {
	t.Helper()
	for more := true; more; {
		listed, err := ledger.ListDue(t.Context())
		require.NoError(t, err)
		more = listed.More
		for due := 1; due > 0; {
			done, err := ledger.ExpireDue(t.Context())
			require.NoError(t, err)
			due, lots = done.Due, lots+done.Lots
		}
	}
	return lots
}

// requireClean requires that nothing of the ledger differs.
func requireClean(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	verifier, err := verify.New(verify.Config{Pool: pool})
	require.NoError(t, err)
	report, err := verifier.Verify(t.Context(), verify.Query{})
	require.NoError(t, err)
	for _, inv := range report.Invariants {
		require.Zero(t, inv.Differences, "%s: %v", inv.ID, inv.Examples)
	}
	require.True(t, slices.ContainsFunc(report.Invariants, func(i verify.Invariant) bool { return i.ID == "I16" && i.OK }))
}
