package points_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/points"

	"github.com/stretchr/testify/require"
)

func expireOnce(c *money.Cancel) { c.OnExpiredLot = money.ExpireOnce }
func refuse(c *money.Cancel)     { c.OnUsed = money.RefuseUsed }
func owe(c *money.Cancel)        { c.OnUsed = money.OweUsed }

// A use is cancelled in parts, the lot that it took last first, and never beyond what it took.
func TestCancelUse(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	one, two, three := s.Saved(100), s.Saved(200), s.Saved(300)
	used := s.Used(500)
	require.Equal(t, []money.Part{{SaveID: three, Amount: 150}}, s.Cancelled(used.TxID, 150).Lots)
	require.Equal(t, []money.Part{{SaveID: three, Amount: 50}, {SaveID: two, Amount: 120}},
		s.Cancelled(used.TxID, 170).Lots)
	_, err := s.TryCancel(used.TxID, 181)
	require.EqualValues(t, 180, moneytest.RefusedAs(t, money.OverCancelled, err).Left)
	done := s.Cancelled(used.TxID, 0)
	require.Equal(t, []money.Part{{SaveID: two, Amount: 80}, {SaveID: one, Amount: 100}}, done.Lots)
	require.EqualValues(t, 180, done.Cancelled)
	_, err = s.TryCancel(used.TxID, 0)
	moneytest.RefusedAs(t, money.NothingToCancel, err)
	require.EqualValues(t, 600, s.Balance())
	_, err = s.TryCancel(done.TxID, 0)
	moneytest.RefusedAs(t, money.NotCancellable, err)
	m, err := s.Movement(t.Context(), "m", done.TxID)
	require.NoError(t, err)
	require.Equal(t, []any{used.TxID, "ORDER", "order 1", money.KindUseCancel, int64(180)},
		[]any{m.Undo, m.TypeCode, m.Ref, m.Kind, m.Amount})
}

// What comes back to a lot that has expired is saved anew for the policy's days, or expires at once.
func TestCancelUseOfExpiredLot(t *testing.T) {
	t.Parallel()
	for _, swept := range []bool{false, true} {
		s := moneytest.ClockedShop(t)
		s.Saved(100, s.Later(0).Add(time.Hour))
		s.Saved(50)
		used := s.Used(60)
		now := s.Later(time.Hour)
		if swept {
			require.EqualValues(t, 40, s.Sweep())
		}
		require.EqualValues(t, 50, s.Balance())
		s.Cancelled(used.TxID, 20)
		require.EqualValues(t, 70, s.Balance(), "saved anew")
		m, err := s.Member(t.Context(), "m")
		require.NoError(t, err)
		require.Len(t, m.Expiring, 1)
		require.True(t, now.AddDate(0, 0, 30).Equal(m.Expiring[0].ExpiryAt), "for 30 days")
		s.Cancelled(used.TxID, 40, expireOnce)
		require.EqualValues(t, 70, s.Balance(), "expired at once")
		require.Equal(t, []string{"expire -40", "use_cancel 40", "save 20", "expire -20", "use_cancel 20"},
			s.History()[:5])
		s.Sweep()
		require.EqualValues(t, 70, s.Balance())
	}
}

// The three ways of a cancelled save that is used in part.
func TestCancelSave(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved := s.Saved(100)
	s.Used(60)
	_, err := s.TryCancel(saved, 0, refuse)
	require.EqualValues(t, 40, moneytest.RefusedAs(t, money.SavePartlyUsed, err).Left)
	require.Equal(t, []any{int64(10), int64(0)}, taken(s.Cancelled(saved, 10, refuse)))
	require.Equal(t, []any{int64(30), int64(20)}, taken(s.Cancelled(saved, 50)))
	require.EqualValues(t, 0, s.Balance())
	_, err = s.TryCancel(saved, 41)
	require.EqualValues(t, 40, moneytest.RefusedAs(t, money.OverCancelled, err).Left)
	require.Equal(t, []any{int64(0), int64(40)}, taken(s.Cancelled(saved, 0, owe)), "a cancel of 0 is written")
	require.EqualValues(t, -40, s.Balance())
	require.Equal(t, "save_cancel 0", s.History()[0])
	_, err = s.TryCancel(saved, 0)
	moneytest.RefusedAs(t, money.NothingToCancel, err)
}

// A save says what a cancel of all that is left of it does, and that is what the cancel then does: with points in the
// lot, saved anew, expired and spent.
func TestCancellable(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	saved := s.Saved(100, s.Later(0).Add(time.Hour))
	can := func(txID string) *money.Cancellable {
		m, err := s.Movement(t.Context(), "m", txID)
		require.NoError(t, err)
		return m.Cancellable
	}
	require.Equal(t, &money.Cancellable{Amount: 100, Left: 100}, can(saved))
	used := s.Used(60)
	require.Nil(t, can(used.TxID))
	require.Equal(t, &money.Cancellable{Amount: 100, Left: 40}, can(saved))
	require.EqualValues(t, 10, s.Cancelled(saved, 10).Cancelled)
	s.Later(time.Hour)
	require.EqualValues(t, 30, s.Sweep())
	s.Cancelled(used.TxID, 20)
	require.Equal(t, &money.Cancellable{Amount: 90, Left: 20, Expired: 30}, can(saved))
	page, err := s.Movements(t.Context(), money.HistoryQuery{MemberID: "m", Kind: money.KindSave})
	require.NoError(t, err)
	require.Nil(t, can(page[0].TxID), "what was saved anew is cancelled with its save")

	done := s.Cancelled(saved, 0, owe)
	require.Equal(t, []int64{20, 30, 40}, []int64{done.Cancelled, done.Expired, done.Uncollected})
	require.Equal(t, &money.Cancellable{}, can(saved))
}

func taken(c money.Cancelled) []any { return []any{c.Cancelled, c.Uncollected} }

// What a clawback took does not come back by a cancelled order.
func TestClawbackThenCancelledOrder(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved, other := s.Saved(100), s.Saved(50)
	used := s.Used(120)
	require.Equal(t, []any{int64(0), int64(100)}, taken(s.Cancelled(saved, 0)))
	s.Cancelled(used.TxID, 70)
	require.EqualValues(t, 50, s.Balance(), "the other lot, whole; what came back to the first went to the clawback")
	s.Cancelled(used.TxID, 0)
	require.EqualValues(t, 50, s.Balance())
	require.Equal(t, []string{
		"save_cancel -50", "use_cancel 50", "save_cancel -50", "use_cancel 70", "save_cancel 0",
		"use -120",
	}, s.History()[:6])
	require.Equal(t, []money.Part{{SaveID: other, Amount: -50}}, s.Used(50).Lots)
}

// A regrant launders nothing: a clawback finds the points in the lot in which they were saved anew, and in the lot in
// which those were saved anew; and claims what is spent when those orders are cancelled.
func TestRegrantLaundersNothing(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	saved := s.Saved(100, s.Later(0).Add(time.Hour))
	used := s.Used(100)
	s.Later(time.Hour)
	s.Cancelled(used.TxID, 0) // saved anew
	second := s.Used(70)
	s.Later(31 * 24 * time.Hour)
	s.Sweep()                    // 30 expire
	s.Cancelled(second.TxID, 50) // and 50 are saved anew again; 20 are spent
	require.EqualValues(t, 50, s.Balance())
	third := s.Used(10)
	done := s.Cancelled(saved, 0)
	require.Equal(t, []any{int64(40), int64(30), int64(30)}, []any{done.Cancelled, done.Expired, done.Uncollected})
	require.Zero(t, s.Balance())
	s.Cancelled(third.TxID, 0)
	s.Cancelled(second.TxID, 0)
	require.Zero(t, s.Balance(), "the orders are cancelled, and what they give back was claimed")
	anew := s.History()
	require.Contains(t, anew, "save 50")
	page, err := s.Movements(t.Context(), money.HistoryQuery{MemberID: "m", Kind: money.KindSave})
	require.NoError(t, err)
	_, err = s.TryCancel(page[0].TxID, 0)
	require.Contains(t, moneytest.RefusedAs(t, money.NotCancellable, err).Message, "cancel the save "+saved)
}

// What a member owes is taken before the next use, and by Collect, the oldest debt first.
func TestDebt(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	one, two := s.Saved(100), s.Saved(100)
	s.Used(200)
	s.Cancelled(one, 0, owe)
	s.Cancelled(two, 60, owe)
	m, err := s.Member(t.Context(), "m")
	require.NoError(t, err)
	require.EqualValues(t, 160, m.Owed)
	require.EqualValues(t, -160, m.Balance)
	third := s.Saved(70)
	done, err := s.Collect(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, points.Collected{Members: 1, Points: 70, Last: "m"}, done)
	s.Saved(150)
	_, err = s.Use(t.Context(), moneytest.Soon(),
		money.Spending{Key: s.Key(), MemberID: "m", Amount: 61, TypeCode: "O", Ref: "1"})
	require.EqualValues(t, 60, moneytest.RefusedAs(t, money.InsufficientBalance, err).Left)
	require.EqualValues(t, -90+150, s.Balance(), "a refused use collects nothing")
	s.Used(60)
	require.Zero(t, s.Balance())
	require.Equal(t, []string{
		"use -60", "save_cancel -60", "save_cancel -30", "save 150", "save_cancel -70",
		"save 70",
	}, s.History()[:6])
	require.Equal(t, []any{int64(0), int64(70)}, taken(s.Cancelled(third, 0)), "a lot that paid a debt has spent it")
	done, err = s.Collect(t.Context(), "")
	require.NoError(t, err)
	require.Zero(t, done)
}

// A batch answers as if its cancels had been asked one after another; what is wrong with one is no other's concern.
func TestCancelSaves(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	one, two := s.Saved(100), s.Saved(100)
	used := s.Used(150)
	c := func(key, id string, amount int64) money.Cancel {
		return money.Cancel{Key: key, MemberID: "m", TxID: id, Amount: amount}
	}
	batch := []money.Cancel{
		c("a", two, 30), c("b", two, 30), c("a", two, 30), c("a", two, 31), c("c", two, 41), c("c", two, 40),
		c("d", used.TxID, 0), c("e", "P999", 0),
		c("expire:P1", one, 0), c("f", one, money.MaxAmount+1),
	}
	var got []string
	answers, err := s.CancelSaves(t.Context(), moneytest.Soon(), batch)
	require.NoError(t, err)
	for n, a := range answers {
		require.Equal(t, batch[n].Key, a.Key)
		line := fmt.Sprint(a.Outcome, " ", a.Cancelled.Cancelled, " ", a.Uncollected)
		if a.Refusal != nil {
			line = fmt.Sprint(a.Outcome, " ", a.Refusal.Code)
		}
		got = append(got, line)
	}
	require.Equal(t, []string{
		"cancelled 30 0", "cancelled 20 10", "replayed 30 0", "conflict key_conflict", "refused over_cancelled",
		"cancelled 0 40",
		"refused not_cancellable", "refused unknown_movement", "refused bad_key", "refused bad_amount",
	}, got)
	again, err := s.CancelSaves(t.Context(), moneytest.Soon(), batch[:2])
	require.NoError(t, err)
	require.Equal(t, money.Replayed, again[1].Outcome)
	require.Equal(t, answers[1].TxID, again[1].TxID)
	require.Equal(t, answers[1].Uncollected, again[1].Uncollected)
	_, err = s.CancelSaves(t.Context(), moneytest.Soon(), make([]money.Cancel, money.MaxCancels+1))
	require.ErrorIs(t, err, money.ErrTooMany)
	none, err := s.CancelSaves(t.Context(), moneytest.Soon(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

// A thousand members' saves are clawed back in one call.
func TestCancelAThousandSaves(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	var cancels []money.Cancel
	for n, a := range moneytest.Ask(t, s.GrantPoints, moneytest.Items(money.MaxCancels)...) {
		cancels = append(cancels, money.Cancel{Key: fmt.Sprint("claw:", n), MemberID: a.MemberID, TxID: a.TxID})
	}
	answers, err := s.CancelSaves(t.Context(), moneytest.Soon(), cancels)
	require.NoError(t, err)
	for n, a := range answers {
		require.Equal(t, money.Undone, a.Outcome)
		require.EqualValues(t, 1000+n, a.Cancelled.Cancelled)
	}
	require.Zero(t, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_lot WHERE remaining > 0`))
}

// A debt that no number can hold is refused, and nothing is written.
func TestDebtOverflows(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved := s.Saved(100)
	s.Used(100)
	moneytest.Forge(t, s.Pool, fmt.Sprintf(`UPDATE money.point_account SET owed = %d`, math.MaxInt64-99))
	_, err := s.TryCancel(saved, 0, owe)
	moneytest.RefusedAs(t, money.OutOfRange, err)
	require.Zero(t, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_cancel`))
	require.Equal(t, []any{int64(0), int64(99)}, taken(s.Cancelled(saved, 99, owe)))
}
