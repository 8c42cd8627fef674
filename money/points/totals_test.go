package points_test

import (
	"fmt"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// The totals say what became of each save, by its type and by its policy, at the moment of the forecast: what is left is
// what the forecast has, and what has run out and is not expired yet is not left.
func TestTotals(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t) // noon of 15 January 2030
	none, err := s.Totals(t.Context())
	require.NoError(t, err)
	require.NotZero(t, none.Expiry.Until)
	none.Expiry.Until = time.Time{}
	require.Zero(t, none)

	ends := time.Date(2030, time.January, 15, 3, 0, 1, 0, time.UTC)
	first := s.Saved(100)
	s.Saved(40, ends)
	used := s.Used(70)
	s.Cancelled(used.TxID, 20)
	s.Cancelled(first, 10)
	s.ClockAt(ends.Add(time.Minute))
	_, err = s.CountForecast(t.Context())
	require.NoError(t, err)

	got, err := s.Totals(t.Context())
	require.NoError(t, err)
	require.NotNil(t, got.CountedAt)
	all := money.Total{Lots: 2, OpenLots: 1, Saved: 140, Left: 40, Used: 50, Cancelled: 10, Expired: 40}
	require.Equal(t, all, got.All)
	require.Equal(t, []money.Total{all}, got.Policies, "none has a policy")
	require.Len(t, got.Types, 1)
	f, err := s.Forecast(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, []int64{f.Total.Lots, f.Total.Points}, []int64{got.All.OpenLots, got.All.Left})
	require.Equal(t, f.CountedAt, got.CountedAt)

	_, err = s.Pool.Exec(t.Context(), `DELETE FROM money.point_total`) // as after an upgrade
	require.NoError(t, err)
	counted, err := s.CountForecast(t.Context())
	require.NoError(t, err)
	require.True(t, counted, "the forecast was counted today, the totals were not")
}

// A lot that does not add up is what verify finds. It keeps nobody from the forecast and the totals.
func TestTotalsOfALotThatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	s.Saved(100)
	s.Used(30)
	_, err := s.Pool.Exec(t.Context(), `UPDATE money.point_lot SET remaining = 90`)
	require.NoError(t, err)
	counted, err := s.CountForecast(t.Context())
	require.NoError(t, err)
	require.True(t, counted)
	got, err := s.Totals(t.Context())
	require.NoError(t, err)
	require.Equal(t, money.Total{Lots: 1, OpenLots: 1, Saved: 100, Left: 90, Used: 30}, got.All)
}

// What ran out in the last 30 days is counted by the last day on which it could be spent, whether it has expired yet or
// not; today has not ended. How far the expiry is, is read at that moment.
func TestTotalsByLastDay(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t) // noon of 15 January 2030 in Seoul
	midnight := time.Date(2030, time.January, 15, 15, 0, 0, 0, time.UTC)
	s.Saved(100, midnight)                  // the 15th is its last day
	s.Saved(20, midnight.Add(time.Hour))    // the 16th
	s.Saved(5, midnight.Add(24*time.Hour))  // the 16th
	s.Saved(3, midnight.Add(25*time.Hour))  // the 17th, which has not ended
	s.Saved(2, midnight.Add(300*time.Hour)) // later
	s.Used(30)
	s.ClockAt(midnight.Add(26 * time.Hour))
	_, err := s.Pool.Exec(t.Context(), `UPDATE money.point_sweep SET swept_until = '2030-01-15Z'`)
	require.NoError(t, err)
	_, err = s.ListDue(t.Context()) // of one day
	require.NoError(t, err)
	got, err := s.Totals(t.Context())
	require.NoError(t, err)
	require.Equal(t, midnight.Add(9*time.Hour), got.Expiry.Until.UTC())
	require.Equal(t, int64(2), got.Expiry.Waiting)
	s.Sweep()
	_, err = s.CountForecast(t.Context())
	require.NoError(t, err)
	got, err = s.Totals(t.Context())
	require.NoError(t, err)
	require.Equal(t, []money.Total{
		{Code: "2030-01-16", Lots: 2, Saved: 25, Expired: 25},
		{Code: "2030-01-15", Lots: 1, Saved: 100, Used: 30, Expired: 70},
	}, got.Days)
	require.Equal(t, midnight.Add(26*time.Hour), got.Expiry.Until.UTC())
	require.Zero(t, got.Expiry.Waiting)

	s.ClockAt(midnight.Add(30 * 24 * time.Hour))
	_, err = s.CountForecast(t.Context())
	require.NoError(t, err)
	got, err = s.Totals(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Days, 3)
	require.Equal(t, "2030-01-16", got.Days[2].Code, "30 days")
}

// A shop may save by any number of types: those of which most is left are listed, and all others are one.
func TestTotalsOfManyTypes(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	const types = 53
	for n := range types {
		_, err := s.Save(t.Context(), time.Now().Add(time.Minute), money.Item{
			Key: fmt.Sprint("k", n), MemberID: "m", Amount: int64(n + 1), TypeCode: fmt.Sprint("T", n), Ref: "r",
		})
		require.NoError(t, err)
	}
	_, err := s.CountForecast(t.Context())
	require.NoError(t, err)
	got, err := s.Totals(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Types, 51)
	require.Equal(t, "T52", got.Types[0].Code)
	require.Equal(t, money.Total{Others: true, Lots: 3, OpenLots: 3, Saved: 6, Left: 6}, got.Types[50])
	require.Equal(t, int64(types*(types+1)/2), got.All.Saved)
}
