package points_test

import (
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// The two scenarios of the source.
func TestUseTakesTheOldestFirst(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	a, b := s.Saved(1000), s.Saved(2000)
	require.Equal(t, []money.Part{{SaveID: a, Amount: -1000}, {SaveID: b, Amount: -1500}}, s.Used(2500).Lots)
	require.EqualValues(t, 500, s.Balance())

	other := moneytest.NewShop(t)
	one, two, three := other.Saved(100), other.Saved(200), other.Saved(300)
	used := other.Used(500)
	require.Equal(t, []money.Part{
		{SaveID: one, Amount: -100},
		{SaveID: two, Amount: -200},
		{SaveID: three, Amount: -200},
	}, used.Lots)
	require.EqualValues(t, 100, other.Balance())
	m, err := other.Movement(t.Context(), "m", used.TxID)
	require.NoError(t, err)
	require.Equal(t, used.Lots, m.Lots)
	require.EqualValues(t, -500, m.Amount)
	r := moneytest.RefusedAs(t, money.InsufficientBalance, func() error {
		_, err := other.Use(t.Context(), moneytest.Soon(),
			money.Spending{Key: "x", MemberID: "m", Amount: 101, TypeCode: "O", Ref: "1"})
		return err
	}())
	require.EqualValues(t, 100, r.Left)
}
