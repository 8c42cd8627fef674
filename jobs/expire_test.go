package jobs

import (
	"log/slog"
	"testing"
	"time"

	"bestow/internal/pgtest"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// setupExpiry is a worker on a ledger with n lots of 3 points that have run out: each is a member's, m1 to mN.
func setupExpiry(t *testing.T, n int) (*expireWorker, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t)
	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `WITH saved AS (
			INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_at, expiry_date, idempotency_key)
			SELECT 'm' || n, 3, 'S', 'RV', to_char(now(), 'YYYYMMDD'), now() - interval '2 days', to_char(now(), 'YYYYMMDD'), 'k' || n
			FROM generate_series(1, $1::int) n RETURNING point_member_id, member_id, expiry_at)
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, expiry_at, point_status_code)
		SELECT point_member_id, point_member_id, point_member_id, member_id, 3, 3, expiry_at, 'S' FROM saved`, n)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `UPDATE money.point_sweep SET swept_until = now() - interval '3 days'`)
	require.NoError(t, err)
	return &expireWorker{ledger: ledger, until: func() time.Time { return time.Now().Add(time.Minute) }, log: slog.New(slog.DiscardHandler)}, pool
}

func left(t *testing.T, pool *pgxpool.Pool) (lots, listed int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM money.point_lot WHERE remaining > 0), (SELECT count(*) FROM money.point_due)`).
		Scan(&lots, &listed))
	return lots, listed
}

// One run lists days that were missed, and works chunk after chunk. A lot that a movement holds waits for a later run.
func TestExpireWorker(t *testing.T) {
	t.Parallel()
	w, pool := setupExpiry(t, 2_500)
	job := &river.Job[expireArgs]{}
	require.Equal(t, "expire", job.Args.Kind())
	require.Equal(t, "collect", collectArgs{}.Kind())
	holder, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `SELECT FROM money.point_lot WHERE member_id = 'm7' AND remaining > 0 FOR UPDATE`)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(t.Context()) }() // if a check fails first

	require.NoError(t, w.Work(t.Context(), job))
	lots, listed := left(t, pool)
	require.Equal(t, 1, lots)
	require.Positive(t, listed, "the list keeps what is held")
	require.NoError(t, holder.Rollback(t.Context()))
	require.NoError(t, w.Work(t.Context(), job))
	lots, listed = left(t, pool)
	require.Zero(t, lots)
	require.Zero(t, listed)
}

// What is not done when the time is up goes on in the next run, at once.
func TestExpireWorkerGoesOn(t *testing.T) {
	t.Parallel()
	w, pool := setupExpiry(t, 1)
	w.until = func() time.Time { return time.Now() }
	require.ErrorIs(t, w.Work(t.Context(), &river.Job[expireArgs]{}), &river.JobSnoozeError{})
	lots, _ := left(t, pool)
	require.Equal(t, 1, lots)
}

// With expiry off the worker leaves everything as it is.
func TestExpireWorkerOff(t *testing.T) {
	t.Parallel()
	w, pool := setupExpiry(t, 1)
	w.off = true
	require.NoError(t, w.Work(t.Context(), &river.Job[expireArgs]{}))
	lots, listed := left(t, pool)
	require.Equal(t, 1, lots)
	require.Zero(t, listed)
}
