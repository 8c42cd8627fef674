package points_test

import (
	"context"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/points"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// The expiry job waits for no movement: a lot that one holds stays on the list, and the others expire.
func TestExpireLeavesHeldLot(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	expiry := s.Later(0).Add(time.Hour)
	held := s.Saved(10, expiry)
	s.Saved(20, expiry)
	s.Later(time.Hour)
	_, err := s.ListDue(t.Context())
	require.NoError(t, err)

	movement, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = movement.Rollback(t.Context()) }() // if a check fails first
	_, err = movement.Exec(t.Context(),
		`SELECT FROM money.point_lot WHERE 'P' || save_point_member_id = $1 AND remaining > 0 FOR UPDATE`, held)
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done, err := s.ExpireDue(soon)
	require.NoError(t, err)
	require.Equal(t, points.ExpiredLots{Due: 2, Left: 1, Lots: 1, Points: 20}, done)
	require.NoError(t, movement.Rollback(t.Context()))
	done, err = s.ExpireDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, points.ExpiredLots{Due: 1, Lots: 1, Points: 10}, done)
}

// What is behind is the oldest of what is not listed yet and of what is listed and has not expired.
func TestExpiryBehind(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	behind := func() time.Duration {
		d, err := s.ExpiryBehind(t.Context())
		require.NoError(t, err)
		return d
	}
	require.Zero(t, s.Sweep())
	require.Zero(t, behind())
	closed := s.Saved(10, s.Later(0).Add(time.Hour))
	s.Saved(20, s.Later(0).Add(2*time.Hour))
	s.Later(5 * time.Hour)
	require.Equal(t, 5*time.Hour, behind(), "nothing was listed since")
	_, err := s.ListDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4*time.Hour, behind(), "it is listed, and has not expired")
	_, err = s.Pool.Exec(t.Context(), `UPDATE money.point_lot SET remaining = 0 WHERE 'P' || save_point_member_id = $1`, closed)
	require.NoError(t, err)
	require.Equal(t, 3*time.Hour, behind(), "of what is listed and has nothing left, nothing is due")
	s.Later(time.Hour)
	_, err = s.ListDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4*time.Hour, behind(), "that it is listed again does not hide it")
	_, err = s.ExpireDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, behind())
}

// A movement that finds a lot changed since it read it begins anew: it never writes what it had reckoned before.
func TestUseBeginsAnew(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{0, 4} {
		s := moneytest.NewShop(t)
		s.Saved(10)
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), `UPDATE money.point_lot SET remaining = $1 WHERE remaining > 0`, left)
		require.NoError(t, err)
		var refused error
		var g errgroup.Group
		g.Go(func() error {
			_, refused = s.Use(t.Context(), moneytest.Soon(),
				money.Spending{Key: "use", MemberID: "m", Amount: 10, TypeCode: "O", Ref: "1"})
			return nil
		})
		moneytest.WaitForLock(t, s.Pool)
		require.NoError(t, other.Commit(t.Context()))
		require.NoError(t, g.Wait())
		require.Equal(t, left, moneytest.RefusedAs(t, money.InsufficientBalance, refused).Left)
		require.Zero(t, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_draw`))
	}
}

// A lot that the expiry job has swept has expired, whatever the time of the use-cancel's transaction: it may have begun
// before that of the job, and waited for the member. What comes back is saved anew, and never to a lot that no job
// looks at again.
func TestCancelUseOfSweptLot(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	lot := s.Saved(100, s.Later(0).Add(time.Hour))
	used := s.Used(60)
	s.Later(time.Hour)
	require.EqualValues(t, 40, s.Sweep())
	s.Later(-time.Minute)
	require.Equal(t, []money.Part{{SaveID: lot, Amount: 60}}, s.Cancelled(used.TxID, 0).Lots)
	require.Equal(t, []string{"save 60", "expire -60", "use_cancel 60"}, s.History()[:3])
	s.Later(time.Hour)
	require.Zero(t, s.Sweep())
	require.EqualValues(t, 60, s.Balance())
}

// However many lots run out at one instant, each statement lists a bounded number of them: the list is worked, and the
// next call goes on. The sweep moves on when nothing of its window is left.
func TestListDueInBatches(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	points.ListAtMost(s.Lots, 10)
	swept := `SELECT swept_until FROM money.point_sweep`
	expiry := s.Later(0).Add(time.Hour)
	for range 25 {
		s.Saved(1, expiry)
	}
	s.Later(time.Hour)
	before := moneytest.Scan[time.Time](t, s.Pool, swept)
	for _, lots := range []int64{10, 10} {
		listed, err := s.ListDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, points.Listed{Lots: lots, More: true}, listed)
		require.Equal(t, before, moneytest.Scan[time.Time](t, s.Pool, swept))
		listed, err = s.ListDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, points.Listed{}, listed, "while the list is long, nothing is added")
		done, err := s.ExpireDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, points.ExpiredLots{Due: 10, Lots: 10, Points: 10}, done)
	}
	require.EqualValues(t, 5, s.Sweep())
	require.True(t, s.Later(0).Equal(moneytest.Scan[time.Time](t, s.Pool, swept)))
	require.Zero(t, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_lot WHERE remaining > 0`))
}

// A save that is committed after its expiry was swept is found: each window begins a day before the last one ended.
func TestListDueFindsLateSave(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	expiry := s.Later(0).Add(time.Hour)
	late, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = late.Rollback(t.Context()) }() // if a check fails first
	_, err = late.Exec(t.Context(), `WITH saved AS (
			INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_at, expiry_date, idempotency_key)
			VALUES ('m', 10, 'S', 'RV', '20260101', $1, '20260101', 'late') RETURNING point_member_id, expiry_at)
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, expiry_at, point_status_code)
		SELECT point_member_id, point_member_id, point_member_id, 'm', 10, 10, expiry_at, 'S' FROM saved`, expiry)
	require.NoError(t, err)
	for range 3 {
		s.Later(2 * time.Hour)
		require.Zero(t, s.Sweep())
	}
	require.NoError(t, late.Commit(t.Context()))
	require.EqualValues(t, 10, s.Sweep())
}

// One process lists at a time: what two listed would be worked twice.
func TestListDueIsOneAtATime(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	s.Saved(10, s.Later(0).Add(time.Hour))
	s.Later(2 * time.Hour)
	other, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(t.Context()) }() // if a check fails first
	_, err = other.Exec(t.Context(), `SELECT FROM money.point_sweep FOR UPDATE`)
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	listed, err := s.ListDue(soon)
	require.NoError(t, err)
	require.Zero(t, listed)
	require.NoError(t, other.Rollback(t.Context()))
	listed, err = s.ListDue(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, listed.Lots)
}
