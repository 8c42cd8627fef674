package money_test

import (
	"testing"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A use of more lots than a page holds takes each once, in either order, also where none of them expires.
func TestUseOfManyLots(t *testing.T) {
	t.Parallel()
	for _, order := range []money.SpendOrder{money.SpendSaved, money.SpendExpiring} {
		b := clocked(t, order)
		s := &shop{bundle: b, tb: t}
		ids := map[string]bool{}
		for range 300 {
			ids[s.save(1)] = true
		}
		used := s.use(290)
		require.Len(t, used.Lots, 290)
		for _, lot := range used.Lots {
			require.True(t, ids[lot.SaveID], "twice, or not of the member: %s", lot.SaveID)
			delete(ids, lot.SaveID)
		}
		require.EqualValues(t, 10, s.balance())
	}
}

// A member who owes can spend what is there beyond the debt, in however many lots: as many are read as both take.
func TestUseOfADebtor(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	saved := s.save(100)
	s.use(100)
	s.cancel(saved, 0, owe)
	for range 200 {
		s.save(1)
	}
	require.EqualValues(t, 100, s.balance())
	s.use(90)
	require.EqualValues(t, 10, s.balance())
}
