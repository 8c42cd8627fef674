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
