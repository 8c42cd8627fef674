package main

import (
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// What will expire, for people and for machines.
func TestCommandLineExpiry(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	out, errs := s.done("expiry")
	require.Empty(t, out)
	require.Contains(t, errs, "nothing is counted yet")
	s.sql(`INSERT INTO money.point_forecast (period, lots, points, counted_at) SELECT v.*, '2130-01-15 00:05+09' FROM (VALUES
		('2130-01-15', 1, 1000), ('2130-01-16', 20, 30), ('2130-03-17', 1, 3), ('2130-03', 1, 4), ('later', 1, 7), ('never', 2, 1000000)) v`)
	out, errs = s.done("expiry --days 2")
	require.Contains(t, errs, "counted 2130-01-15 00:05:00 KST")
	require.Equal(t, `LAST DAY        LOTS  POINTS
2130-01-15      1     1,000
2130-01-16      20    30
all of 2130-01  21    1,030
all of 2130-03  2     7
later           1     7
no expiry       2     1,000,000
total           26    1,001,044
`, out)
	out, _ = s.done("expiry --days 62 -o json")
	var f wire.Forecast
	require.NoError(t, json.Unmarshal([]byte(out), &f))
	require.Len(t, f.Days, 3)
	code, _, errs := s.run("expiry --days 63")
	require.Equal(t, terminal.ExitUsage, code)
	require.Contains(t, errs, "give a number from 0 to 62")
	require.Equal(t, 62, money.ForecastDays)
}
