package money_test

import (
	"testing"

	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// A key that another member's movement takes at the same time is a conflict once that one is committed, and free once it is
// rolled back: no lock of a member stands between the two.
func TestSameKeyOfTwoMembersAtOnce(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		s := newShop(t)
		s.save(100)
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = other.Rollback(t.Context()) }() // if a check fails first
		_, err = other.Exec(t.Context(), `INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key)
			VALUES ('other', -10, 'U', 'ORDER', '20260101', '99991231', 'use')`)
		require.NoError(t, err)
		var used money.Moved
		var g errgroup.Group
		g.Go(func() (err error) {
			used, err = s.Use(t.Context(), soon(), money.Spending{Key: "use", MemberID: "m", Amount: 10, TypeCode: "ORDER", Ref: "o"})
			return err
		})
		waitForLock(t, s.Pool)
		if commit {
			require.NoError(t, other.Commit(t.Context()))
			refusedAs(t, money.KeyConflict, g.Wait())
			require.EqualValues(t, 100, s.balance())
			continue
		}
		require.NoError(t, other.Rollback(t.Context()))
		require.NoError(t, g.Wait())
		require.False(t, used.Replayed)
		require.EqualValues(t, 90, s.balance())
	}
}
