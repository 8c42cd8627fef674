package money_test

import (
	"context"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// The expiry job waits for no movement: a lot that one holds stays on the list, and the others expire.
func TestExpireLeavesHeldLot(t *testing.T) {
	t.Parallel()
	s := clockedShop(t)
	expiry := s.later(0).Add(time.Hour)
	held := s.save(10, expiry)
	s.save(20, expiry)
	s.later(time.Hour)
	_, err := s.ListDue(t.Context())
	require.NoError(t, err)

	movement, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = movement.Rollback(t.Context()) }() // if a check fails first
	_, err = movement.Exec(t.Context(), `SELECT FROM money.point_lot WHERE 'P' || save_point_member_id = $1 AND remaining > 0 FOR UPDATE`, held)
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done, err := s.ExpireDue(soon)
	require.NoError(t, err)
	require.Equal(t, money.ExpiredLots{Due: 2, Left: 1, Lots: 1, Points: 20}, done)
	require.NoError(t, movement.Rollback(t.Context()))
	done, err = s.ExpireDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, money.ExpiredLots{Due: 1, Lots: 1, Points: 10}, done)
}

// A movement that finds a lot changed since it read it begins anew: it never writes what it had reckoned before.
func TestUseBeginsAnew(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{0, 4} {
		s := newShop(t)
		s.save(10)
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), `UPDATE money.point_lot SET remaining = $1 WHERE remaining > 0`, left)
		require.NoError(t, err)
		var refused error
		var g errgroup.Group
		g.Go(func() error {
			_, refused = s.Use(t.Context(), soon(), money.Spending{Key: "use", MemberID: "m", Amount: 10, TypeCode: "O", Ref: "1"})
			return nil
		})
		waitForLock(t, s.Pool)
		require.NoError(t, other.Commit(t.Context()))
		require.NoError(t, g.Wait())
		require.Equal(t, left, refusedAs(t, money.InsufficientBalance, refused).Left)
		require.Zero(t, scan[int](t, s.Pool, `SELECT count(*) FROM money.point_draw`))
	}
}

// A lot that the expiry job has swept has expired, whatever the time of the use-cancel's transaction: it may have begun before
// that of the job, and waited for the member. What comes back is saved anew, and never to a lot that no job looks at again.
func TestCancelUseOfSweptLot(t *testing.T) {
	t.Parallel()
	s := clockedShop(t)
	lot := s.save(100, s.later(0).Add(time.Hour))
	used := s.use(60)
	s.later(time.Hour)
	require.EqualValues(t, 40, s.sweep())
	s.later(-time.Minute)
	require.Equal(t, []money.Part{{lot, 60}}, s.cancel(used.TxID, 0).Lots)
	require.Equal(t, []string{"save 60", "expire -60", "use_cancel 60"}, s.history()[:3])
	s.later(time.Hour)
	require.Zero(t, s.sweep())
	require.EqualValues(t, 60, s.balance())
}

// However many lots run out at one instant, each statement lists a bounded number of them: the list is worked, and the next call
// goes on. The sweep moves on when nothing of its window is left.
func TestListDueInBatches(t *testing.T) {
	t.Parallel()
	s := clockedShop(t)
	money.ListAtMost(s.Ledger, 10)
	swept := `SELECT swept_until FROM money.point_sweep`
	expiry := s.later(0).Add(time.Hour)
	for range 25 {
		s.save(1, expiry)
	}
	s.later(time.Hour)
	before := scan[time.Time](t, s.Pool, swept)
	for _, lots := range []int64{10, 10} {
		listed, err := s.ListDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, money.Listed{Lots: lots, More: true}, listed)
		require.Equal(t, before, scan[time.Time](t, s.Pool, swept))
		listed, err = s.ListDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, money.Listed{}, listed, "while the list is long, nothing is added")
		done, err := s.ExpireDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, money.ExpiredLots{Due: 10, Lots: 10, Points: 10}, done)
	}
	require.EqualValues(t, 5, s.sweep())
	require.True(t, s.later(0).Equal(scan[time.Time](t, s.Pool, swept)))
	require.Zero(t, scan[int](t, s.Pool, `SELECT count(*) FROM money.point_lot WHERE remaining > 0`))
}

// A save that is committed after its expiry was swept is found: each window begins a day before the last one ended.
func TestListDueFindsLateSave(t *testing.T) {
	t.Parallel()
	s := clockedShop(t)
	expiry := s.later(0).Add(time.Hour)
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
		s.later(2 * time.Hour)
		require.Zero(t, s.sweep())
	}
	require.NoError(t, late.Commit(t.Context()))
	require.EqualValues(t, 10, s.sweep())
}

// One process lists at a time: what two listed would be worked twice.
func TestListDueIsOneAtATime(t *testing.T) {
	t.Parallel()
	s := clockedShop(t)
	s.save(10, s.later(0).Add(time.Hour))
	s.later(2 * time.Hour)
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
