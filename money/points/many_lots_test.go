package points_test

import (
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A use of more lots than a page holds takes each once, in either order, also where none of them expires.
func TestUseOfManyLots(t *testing.T) {
	t.Parallel()
	for _, order := range []money.SpendOrder{money.SpendSaved, money.SpendExpiring} {
		b := moneytest.Clocked(t, order)
		s := &moneytest.Shop{Bundle: b, TB: t}
		ids := map[string]bool{}
		for range 300 {
			ids[s.Saved(1)] = true
		}
		used := s.Used(290)
		require.Len(t, used.Lots, 290)
		for _, lot := range used.Lots {
			require.True(t, ids[lot.SaveID], "twice, or not of the member: %s", lot.SaveID)
			delete(ids, lot.SaveID)
		}
		require.EqualValues(t, 10, s.Balance())
	}
}

// A member who owes can spend what is there beyond the debt, in however many lots: as many are read as both take.
func TestUseOfADebtor(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved := s.Saved(100)
	s.Used(100)
	s.Cancelled(saved, 0, owe)
	for range 200 {
		s.Saved(1)
	}
	require.EqualValues(t, 100, s.Balance())
	s.Used(90)
	require.EqualValues(t, 10, s.Balance())
}
