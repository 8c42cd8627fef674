//go:build failpoint

package points_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/points"

	"github.com/stretchr/testify/require"
)

// stateSQL is a digest of all that movements and expiry write.
const stateSQL = `SELECT md5(coalesce(string_agg(line, E'\n' ORDER BY line), '')) FROM (
	SELECT 'm' || t::text FROM money.point_member t UNION ALL SELECT 'd' || t::text FROM money.point_member_detail t
	UNION ALL SELECT 'c' || t::text FROM money.point_cancel t UNION ALL SELECT 'a' || t::text FROM money.point_account t
	UNION ALL SELECT 'l' || t::text FROM money.point_due t UNION ALL SELECT 's' || t::text FROM money.point_sweep t) state (line)`

// dying is a movement that is asked for again and again, each time by a process that dies a point further on.
type dying struct {
	*moneytest.Shop

	t   *testing.T
	met map[string]bool // points
}

// dieAlong asks until the movement comes through, and once more. Whoever dies leaves nothing behind; who asks again is
// answered as if nothing had been before; and then it is a replay, as again requires.
func dieAlong[T any](d dying, ask func(context.Context) (T, error), again func(first, second T)) {
	t := d.t
	died := errors.New("died")
	for passes := 0; ; passes++ {
		before, hits := moneytest.Scan[string](t, d.Pool, stateSQL), 0
		first, err := ask(failpoint.With(t.Context(), func(point string) error {
			d.met[point] = true
			if hits++; hits > passes {
				return fmt.Errorf("%w at %s", died, point)
			}
			return nil
		}))
		if err == nil {
			require.Equal(t, passes, hits)
			require.Positive(t, passes)
			if again != nil {
				second, err := ask(t.Context())
				require.NoError(t, err)
				again(first, second)
			}
			requireProofs(t, d.Shop)
			return
		}
		require.ErrorIs(t, err, died)
		require.Equal(t, before, moneytest.Scan[string](t, d.Pool, stateSQL), err.Error())
	}
}

// A process may die at any point of any movement, of collection and of expiry.
func TestDieInAMovement(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	d := dying{s, t, map[string]bool{}}
	expiring, other := s.Saved(100, s.Later(0).Add(time.Hour)), s.Saved(50)
	use := func(key string, amount int64) func(context.Context) (money.Moved, error) {
		return func(ctx context.Context) (money.Moved, error) {
			return s.Use(ctx, moneytest.Soon(),
				money.Spending{Key: key, MemberID: "m", Amount: amount, TypeCode: "ORDER", Ref: "o"})
		}
	}
	cancel := func(c money.Cancel) func(context.Context) (money.Cancelled, error) {
		c.MemberID = "m"
		return func(ctx context.Context) (money.Cancelled, error) { return s.Cancel(ctx, moneytest.Soon(), c) }
	}
	moved := func(first, second money.Moved) {
		require.False(t, first.Replayed)
		first.Replayed = true
		require.Equal(t, first, second)
	}
	cancelled := func(first, second money.Cancelled) {
		require.False(t, first.Replayed)
		first.Replayed = true
		require.Equal(t, first, second)
	}
	var used money.Moved
	dieAlong(d, use("use", 120), func(first, second money.Moved) { moved(first, second); used = first })
	dieAlong(d, cancel(money.Cancel{Key: "claw", TxID: expiring, Amount: 90}), cancelled)
	s.Later(time.Hour)
	dieAlong(d, cancel(money.Cancel{Key: "back", TxID: used.TxID}), cancelled) // a claim, an expiry and a regrant
	s.Used(40)
	dieAlong(d, func(ctx context.Context) ([]money.CancelAnswer, error) {
		return s.CancelSaves(ctx, moneytest.Soon(),
			[]money.Cancel{{Key: "owe", MemberID: "m", TxID: other, OnUsed: money.OweUsed}})
	}, func(first, second []money.CancelAnswer) {
		require.Equal(t, money.Undone, first[0].Outcome)
		require.Equal(t, money.Replayed, second[0].Outcome)
		require.Equal(t, first[0].Uncollected, second[0].Uncollected)
	})
	s.Saved(5)
	dieAlong(d, func(ctx context.Context) (points.Collected, error) { return s.Collect(ctx, "") }, nil)
	s.Saved(70, s.Later(0).Add(time.Hour))
	dieAlong(d, use("use of a debtor", 10), moved)
	s.Later(2 * time.Hour)
	dieAlong(d, func(ctx context.Context) (points.Listed, error) { return s.ListDue(ctx) }, nil)
	dieAlong(d, func(ctx context.Context) (points.ExpiredLots, error) { return s.ExpireDue(ctx) }, nil)
	require.Zero(t, moneytest.Scan[int](t, s.Pool,
		`SELECT count(*) FROM money.point_lot WHERE remaining > 0 AND expiry_at <= testclock.now()`))

	for _, point := range []string{
		failpoint.MoneyAccountLocked, failpoint.MoneyLotsRead,
		failpoint.MoneyMovementWritten,
		failpoint.MoneyExpireListed, failpoint.MoneyExpireChunk, failpoint.MoneyBeforeCommit,
	} {
		require.True(t, d.met[point], "%s was not met", point)
	}
}
