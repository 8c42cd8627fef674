package grants_test

import (
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// F43: what is not applied by the deadline never is, and its key is not burnt.
func TestDeadlinePassed(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		for _, deadline := range []time.Time{{}, time.Now().Add(-time.Second), time.Now()} {
			_, err := grant(t.Context(), deadline, moneytest.Items(3)) // the fast way
			require.ErrorIs(t, err, money.ErrDeadline)
			require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
		}
		moneytest.Ask(t, grant, moneytest.Item(1))
		_, err := grant(t.Context(), time.Now().Add(-time.Second), moneytest.Items(3)) // the slow way
		require.ErrorIs(t, err, money.ErrDeadline)
		require.Equal(t, 1, moneytest.Count(t, s.Pool, s.Table))

		answers, err := grant(t.Context(), time.Now().AddDate(2000, 0, 0), moneytest.Items(3))
		require.NoError(t, err)
		require.Equal(t, []money.Outcome{money.Granted, money.Replayed, money.Granted}, moneytest.Outcomes(answers))
	})
}

// A batch that had to wait for another one past its deadline is not applied, though nothing stands in its way any more.
func TestDeadlinePassedInWaiting(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), `LOCK TABLE `+s.Table+` IN EXCLUSIVE MODE`)
		require.NoError(t, err)
		deadline := time.Now().Add(2 * time.Second)
		var g errgroup.Group
		g.Go(func() error {
			_, err := grant(t.Context(), deadline, moneytest.Items(3))
			return err
		})
		moneytest.WaitForLock(t, s.Pool)
		_, err = other.Exec(t.Context(), `SELECT pg_sleep(extract(epoch FROM $1 - clock_timestamp()))`,
			deadline.Add(time.Millisecond))
		require.NoError(t, err)
		require.NoError(t, other.Rollback(t.Context()))
		require.ErrorIs(t, g.Wait(), money.ErrDeadline)
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
	})
}

// A key that stands for what is asked is a replay however late it is asked again: nothing is to be applied, so that no
// deadline concerns it. Whoever is told that the deadline has passed may take it that nothing stands under the key.
func TestReplayAfterTheDeadline(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		past := time.Now().Add(-time.Minute)
		first := moneytest.Ask(t, grant, moneytest.Items(3)...)
		again, err := grant(t.Context(), past, moneytest.Items(3))
		require.NoError(t, err)
		for n := range again {
			require.Equal(t, money.Replayed, again[n].Outcome)
			require.Equal(t, first[n].TxID, again[n].TxID)
			require.Equal(t, first[n].Voucher, again[n].Voucher)
		}
		_, err = grant(t.Context(), past, moneytest.Items(4))
		require.ErrorIs(t, err, money.ErrDeadline, "one of them is to be applied")
		require.Equal(t, 3, moneytest.Count(t, s.Pool, s.Table))

		other := moneytest.Item(0)
		other.Amount++
		bad := moneytest.Item(9)
		bad.Amount = 0
		answers, err := grant(t.Context(), past, []money.Item{other, bad})
		require.NoError(t, err)
		require.Equal(t, []money.Outcome{money.Conflict, money.Refused}, moneytest.Outcomes(answers))
	})
}

// The same of movements, each under the member's lock.
func TestReplayOfAMovementAfterTheDeadline(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	past := time.Now().Add(-time.Minute)
	lot := s.Saved(100)
	use := money.Spending{Key: "use", MemberID: "m", Amount: 60, TypeCode: "ORDER", Ref: "o"}
	used, err := s.Use(t.Context(), moneytest.Soon(), use)
	require.NoError(t, err)
	cancel := money.Cancel{Key: "back", MemberID: "m", TxID: used.TxID}
	back, err := s.Cancel(t.Context(), moneytest.Soon(), cancel)
	require.NoError(t, err)
	claw := []money.Cancel{{Key: "claw", MemberID: "m", TxID: lot, Amount: 30}}
	clawed, err := s.CancelSaves(t.Context(), moneytest.Soon(), claw)
	require.NoError(t, err)

	used.Replayed, back.Replayed = true, true
	again, err := s.Use(t.Context(), past, use)
	require.NoError(t, err)
	require.Equal(t, used, again)
	againBack, err := s.Cancel(t.Context(), past, cancel)
	require.NoError(t, err)
	require.Equal(t, back, againBack)
	clawed[0].Outcome, clawed[0].Replayed = money.Replayed, true
	againClawed, err := s.CancelSaves(t.Context(), past, claw)
	require.NoError(t, err)
	require.Equal(t, clawed, againClawed)

	use.Amount++
	_, err = s.Use(t.Context(), past, use)
	moneytest.RefusedAs(t, money.KeyConflict, err)
	use.Key = "another"
	_, err = s.Use(t.Context(), past, use)
	require.ErrorIs(t, err, money.ErrDeadline)
	_, err = s.CancelSaves(t.Context(), past,
		append(claw, money.Cancel{Key: "claw more", MemberID: "m", TxID: lot, Amount: 10}))
	require.ErrorIs(t, err, money.ErrDeadline)
	require.EqualValues(t, 70, s.Balance())

	voucher := moneytest.Ask(t, s.GrantVouchers, moneytest.Item(1))[0]
	cancels := []money.VoucherCancel{{Key: "voucher", MemberID: voucher.MemberID, TxID: voucher.TxID}}
	_, err = s.CancelVouchers(t.Context(), past, cancels)
	require.ErrorIs(t, err, money.ErrDeadline)
	_, err = s.CancelVouchers(t.Context(), moneytest.Soon(), cancels)
	require.NoError(t, err)
	cancelled, err := s.CancelVouchers(t.Context(), past, cancels)
	require.NoError(t, err)
	require.Equal(t, money.Replayed, cancelled[0].Outcome)
}

// A movement that waits for one with the same key is told what has become of that one, though its own deadline is long
// over.
func TestReplayThatWaitsPastTheDeadline(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	s.Saved(100)
	use := money.Spending{Key: "use", MemberID: "m", Amount: 60, TypeCode: "ORDER", Ref: "o"}
	gate, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = gate.Exec(t.Context(), `LOCK money.point_draw IN EXCLUSIVE MODE`)
	require.NoError(t, err)
	var first, second money.Moved
	var g errgroup.Group
	g.Go(func() (err error) {
		first, err = s.Use(t.Context(), moneytest.Soon(), use)
		return err
	})
	moneytest.WaitForLock(t, s.Pool)
	g.Go(func() (err error) {
		second, err = s.Use(t.Context(), time.Now().Add(-time.Minute), use)
		return err
	})
	require.Eventually(t, func() bool {
		return moneytest.Scan[int](t, s.Pool,
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) ==
			2
	}, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, gate.Rollback(t.Context()))
	require.NoError(t, g.Wait())
	first.Replayed = true
	require.Equal(t, first, second)
}
