package points_test

import (
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/points"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// A key that another member's movement takes at the same time is a conflict once that one is committed, and free once
// it is rolled back: no lock of a member stands between the two.
func TestSameKeyOfTwoMembersAtOnce(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		s := moneytest.NewShop(t)
		s.Saved(100)
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = other.Rollback(t.Context()) }() // if a check fails first
		_, err = other.Exec(t.Context(),
			`INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key)
			VALUES ('other', -10, 'U', 'ORDER', '20260101', '99991231', 'use')`)
		require.NoError(t, err)
		var used money.Moved
		var g errgroup.Group
		g.Go(func() (err error) {
			used, err = s.Use(t.Context(), moneytest.Soon(),
				money.Spending{Key: "use", MemberID: "m", Amount: 10, TypeCode: "ORDER", Ref: "o"})
			return err
		})
		moneytest.WaitForLock(t, s.Pool)
		if commit {
			require.NoError(t, other.Commit(t.Context()))
			moneytest.RefusedAs(t, money.KeyConflict, g.Wait())
			require.EqualValues(t, 100, s.Balance())
			continue
		}
		require.NoError(t, other.Rollback(t.Context()))
		require.NoError(t, g.Wait())
		require.False(t, used.Replayed)
		require.EqualValues(t, 90, s.Balance())
	}
}

// A member whose debt cannot be collected is passed over: those behind pay, and the error is told, not as a rush.
func TestCollectPassesOver(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	for _, member := range []string{"a", "b"} {
		i := money.Item{Key: "save " + member, MemberID: member, Amount: 10, TypeCode: "RV", Ref: "r"}
		saved, err := s.Save(t.Context(), moneytest.Soon(), i)
		require.NoError(t, err)
		_, err = s.Use(t.Context(), moneytest.Soon(),
			money.Spending{Key: "use " + member, MemberID: member, Amount: 10, TypeCode: "ORDER", Ref: "o"})
		require.NoError(t, err)
		owing, err := s.Cancel(t.Context(), moneytest.Soon(),
			money.Cancel{Key: "owe " + member, MemberID: member, TxID: saved.TxID, OnUsed: money.OweUsed})
		require.NoError(t, err)
		if member == "a" { // the key of its collection stands for something else, which cannot be
			moneytest.Forge(t,
				s.Pool,
				`INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key)
				VALUES ('x', -1, 'U', 'ORDER', '20260101', '99991231', 'collect:`+owing.TxID+`:0')`)
		}
		i.Key += " more"
		_, err = s.Save(t.Context(), moneytest.Soon(), i)
		require.NoError(t, err)
	}
	done, err := s.Collect(t.Context(), "")
	require.Error(t, err)
	require.NotErrorIs(t, err, money.ErrBusy)
	require.Equal(t, points.Collected{Members: 2, Points: 10, Last: "b"}, done)
	require.Equal(t, "a", moneytest.Scan[string](t, s.Pool, `SELECT member_id FROM money.point_account WHERE owed > 0`))
	done, err = s.Collect(t.Context(), done.Last)
	require.NoError(t, err)
	require.Zero(t, done)
}
