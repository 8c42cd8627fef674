package points_test

import (
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// What is open counts on its last day or in its month, once a day of the ledger's zone; what was spent or has run out
// does not.
func TestForecast(t *testing.T) {
	t.Parallel()
	seoul := func(at string) time.Time {
		parsed, err := time.Parse("2006-01-02 15:04:05 -07", at+" +09")
		require.NoError(t, err)
		return parsed
	}
	s := moneytest.PolicyShop(t) // noon of 15 January 2030
	empty, err := s.Forecast(t.Context(), money.ForecastDays)
	require.NoError(t, err)
	require.Equal(t, money.Forecast{}, empty, "not counted yet")

	s.Saved(100, seoul("2030-01-16 00:00:00")) // the last instant of today
	s.Saved(20, seoul("2030-01-16 00:00:01"))
	s.Saved(3, seoul("2030-03-18 00:00:00")) // the last instant of the 62nd day
	s.Saved(4, seoul("2030-03-18 00:00:01"))
	s.Saved(5, seoul("2030-04-01 00:00:00"))
	s.Saved(6, seoul("2035-01-01 00:00:00")) // the last instant of the 60th month
	s.Saved(7, seoul("2035-01-01 00:00:01"))
	s.Saved(8)
	s.Saved(9, seoul("2030-01-15 12:00:01"))
	s.Used(30)
	s.ClockAt(seoul("2030-01-15 13:00:00"))
	counted, err := s.CountForecast(t.Context())
	require.NoError(t, err)
	require.True(t, counted)

	f, err := s.Forecast(t.Context(), money.ForecastDays)
	require.NoError(t, err)
	require.NotNil(t, f.CountedAt)
	f.CountedAt = nil
	want := money.Forecast{
		Days: []money.ForecastPeriod{
			{Period: "2030-01-15", Lots: 1, Points: 70},
			{Period: "2030-01-16", Lots: 1, Points: 20},
			{Period: "2030-03-17", Lots: 1, Points: 3},
		},
		Months: []money.ForecastPeriod{
			{Period: "2030-01", Lots: 2, Points: 90},
			{Period: "2030-03", Lots: 3, Points: 12},
			{Period: "2034-12", Lots: 1, Points: 6},
		},
		Later: money.ForecastPeriod{Lots: 1, Points: 7}, Never: money.ForecastPeriod{Lots: 1, Points: 8},
		Total: money.ForecastPeriod{Lots: 8, Points: 123},
	}
	require.Equal(t, want, f)
	f, err = s.Forecast(t.Context(), 2)
	require.NoError(t, err)
	require.Len(t, f.Days, 2)
	require.Equal(t, want.Months, f.Months)
	_, err = s.Forecast(t.Context(), money.ForecastDays+1)
	moneytest.RefusedAs(t, money.BadDays, err)

	s.Saved(1_000)
	s.ClockAt(seoul("2030-01-15 23:59:59"))
	counted, err = s.CountForecast(t.Context())
	require.NoError(t, err)
	require.False(t, counted, "once a day")
	s.ClockAt(seoul("2030-01-16 00:00:01"))
	counted, err = s.CountForecast(t.Context())
	require.NoError(t, err)
	require.True(t, counted)
	f, err = s.Forecast(t.Context(), money.ForecastDays)
	require.NoError(t, err)
	require.Equal(t, money.ForecastPeriod{Lots: 7, Points: 1_033}, f.Total)
}

// Sums that no number can hold are refused as such, and a ledger in which no member has anything has counted nothing.
func TestForecastOfAllAndNothing(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	counted, err := s.CountForecast(t.Context())
	require.NoError(t, err)
	require.True(t, counted)
	f, err := s.Forecast(t.Context(), 0)
	require.NoError(t, err)
	require.NotNil(t, f.CountedAt)
	require.Zero(t, f.Total)
	_, err = s.Pool.Exec(t.Context(),
		`UPDATE money.point_forecast SET points = 9223372036854775807; INSERT INTO money.point_forecast VALUES ('2031-01', 1, 1)`)
	require.NoError(t, err)
	_, err = s.Forecast(t.Context(), 0)
	moneytest.RefusedAs(t, money.OutOfRange, err)
}
