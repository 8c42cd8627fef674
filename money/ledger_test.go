package money_test

import (
	"fmt"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// shop is a bundle with short words for the movements of one member.
type shop struct {
	bundle
	tb   testing.TB
	keys int
}

func newShop(tb testing.TB) *shop {
	tb.Helper()
	return &shop{bundle: setup(tb), tb: tb}
}

func (s *shop) key() string {
	s.keys++
	return fmt.Sprint("k", s.keys)
}

func (s *shop) save(amount int64, expiry ...time.Time) string {
	s.tb.Helper()
	i := money.Item{Key: s.key(), MemberID: "m", Amount: amount, TypeCode: "RV", Ref: "review 1"}
	if len(expiry) > 0 {
		i.ExpiryAt = &expiry[0]
	}
	moved, err := s.Save(s.tb.Context(), soon(), i)
	require.NoError(s.tb, err)
	return moved.TxID
}

func (s *shop) use(amount int64) money.Moved {
	s.tb.Helper()
	moved, err := s.Use(s.tb.Context(), soon(), money.Spending{Key: s.key(), MemberID: "m", Amount: amount, TypeCode: "ORDER", Ref: "order 1"})
	require.NoError(s.tb, err)
	return moved
}

func (s *shop) cancel(txID string, amount int64, change ...func(*money.Cancel)) money.Cancelled {
	s.tb.Helper()
	done, err := s.tryCancel(txID, amount, change...)
	require.NoError(s.tb, err)
	return done
}

func (s *shop) tryCancel(txID string, amount int64, change ...func(*money.Cancel)) (money.Cancelled, error) {
	c := money.Cancel{Key: s.key(), MemberID: "m", TxID: txID, Amount: amount}
	for _, f := range change {
		f(&c)
	}
	return s.Cancel(s.tb.Context(), soon(), c)
}

func (s *shop) balance() int64 {
	s.tb.Helper()
	m, err := s.Member(s.tb.Context(), "m")
	require.NoError(s.tb, err)
	return m.Balance
}

// refusedAs requires err to be a refusal of this code, and returns what it says.
func refusedAs(tb testing.TB, code string, err error) money.Refusal {
	tb.Helper()
	var r *money.Refusal
	require.ErrorAs(tb, err, &r)
	require.Equal(tb, code, r.Code)
	require.NotEmpty(tb, r.Message)
	return *r
}

// The two scenarios of the source.
func TestUseTakesTheOldestFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a, b := s.save(1000), s.save(2000)
	require.Equal(t, []money.Part{{a, -1000}, {b, -1500}}, s.use(2500).Lots)
	require.EqualValues(t, 500, s.balance())

	other := newShop(t)
	one, two, three := other.save(100), other.save(200), other.save(300)
	used := other.use(500)
	require.Equal(t, []money.Part{{one, -100}, {two, -200}, {three, -200}}, used.Lots)
	require.EqualValues(t, 100, other.balance())
	m, err := other.Movement(t.Context(), "m", used.TxID)
	require.NoError(t, err)
	require.Equal(t, used.Lots, m.Lots)
	require.EqualValues(t, -500, m.Amount)
	r := refusedAs(t, money.InsufficientBalance, func() error {
		_, err := other.Use(t.Context(), soon(), money.Spending{Key: "x", MemberID: "m", Amount: 101, TypeCode: "O", Ref: "1"})
		return err
	}())
	require.EqualValues(t, 100, r.Left)
}
