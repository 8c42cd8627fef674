package points_test

import (
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// became is what became of a lot.
type became struct{ amount, left, used, cancelled, expired int64 }

func becameOf(l money.Lot) became { return became{l.Amount, l.Left, l.Used, l.Cancelled, l.Expired} }

// What became of a lot adds up to what was saved, whatever happened to it, and its draws say when.
func TestLots(t *testing.T) {
	t.Parallel()
	s := moneytest.ClockedShop(t)
	var now time.Time
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT now()`).Scan(&now))
	first := s.Saved(100, now.Add(time.Hour))
	second := s.Saved(200)
	third := s.Saved(50)
	used := s.Used(130)
	s.Cancelled(used.TxID, 20)
	s.Cancelled(third, 0)
	page, err := s.LotsOf(t.Context(), money.LotsQuery{MemberID: "m"})
	require.NoError(t, err)
	require.Equal(t, []string{third, second, first}, []string{page[0].SaveID, page[1].SaveID, page[2].SaveID})
	require.Equal(t, became{50, 0, 0, 50, 0}, becameOf(page[0]))
	require.Equal(t, became{200, 190, 10, 0, 0}, becameOf(page[1]))
	require.Equal(t, became{100, 0, 100, 0, 0}, becameOf(page[2]))
	require.Nil(t, page[1].ExpiryAt)
	require.True(t, now.Add(time.Hour).Equal(*page[2].ExpiryAt))
	require.Equal(t, []string{"RV", "review 1"}, []string{page[0].TypeCode, page[0].Ref})

	s.Cancelled(used.TxID, 60)
	s.Later(2 * time.Hour)
	require.EqualValues(t, 50, s.Sweep())
	lot, err := s.Lot(t.Context(), "m", first)
	require.NoError(t, err)
	require.Equal(t, became{100, 0, 50, 0, 50}, becameOf(lot))
	var drawn []money.MovementKind
	left := lot.Amount
	for _, d := range lot.Draws {
		drawn = append(drawn, d.Kind)
		left += d.Amount
	}
	require.Equal(t, []money.MovementKind{money.KindExpire, money.KindUseCancel, money.KindUse}, drawn)
	require.Equal(t, lot.Left, left)
	require.Equal(t, used.TxID, lot.Draws[2].TxID)

	one, err := s.LotsOf(t.Context(), money.LotsQuery{MemberID: "m", Before: third, Limit: 1})
	require.NoError(t, err)
	require.Len(t, one, 1)
	require.Equal(t, second, one[0].SaveID)
	none, err := s.LotsOf(t.Context(), money.LotsQuery{MemberID: "nobody"})
	require.NoError(t, err)
	require.Empty(t, none)

	_, err = s.LotsOf(t.Context(), money.LotsQuery{MemberID: "m", Before: "V1"})
	moneytest.RefusedAs(t, money.BadCursor, err)
	_, err = s.LotsOf(t.Context(), money.LotsQuery{MemberID: ""})
	moneytest.RefusedAs(t, money.BadMember, err)
	for _, id := range []string{used.TxID, "", "V1", "P0", "P9223372036854775807"} {
		_, err = s.Lot(t.Context(), "m", id)
		moneytest.RefusedAs(t, money.UnknownMovement, err)
	}
	_, err = s.Lot(t.Context(), "another", first)
	moneytest.RefusedAs(t, money.UnknownMovement, err)
}
