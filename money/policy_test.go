package money_test

import (
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// Days are those of the ledger's time zone: months of any length, years that leap, and clocks that are set.
func TestPolicyCalendar(t *testing.T) {
	t.Parallel()
	day := func(s string) *time.Time {
		at, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return &at
	}
	month := func(n int) money.PolicyTerms { return money.PolicyTerms{Validity: money.ValidMonthEnd, Months: &n} }
	days := func(n int) money.PolicyTerms { return money.PolicyTerms{Validity: money.ValidDays, Days: &n} }
	until := func(s string) money.PolicyTerms {
		return money.PolicyTerms{Validity: money.ValidUntil, Until: day(s)}
	}
	for _, c := range []struct {
		zone, saved string
		terms       money.PolicyTerms
		expiry      string
	}{
		{"Asia/Seoul", "2030-01-31T23:59:59+09:00", month(1), "2030-03-01T00:00:00+09:00"},
		{"Asia/Seoul", "2028-01-31T12:00:00+09:00", month(1), "2028-03-01T00:00:00+09:00"}, // the last day is 29 February
		{"Asia/Seoul", "2030-01-31T12:00:00+09:00", month(0), "2030-02-01T00:00:00+09:00"},
		{"Asia/Seoul", "2030-01-31T15:00:00Z", month(0), "2030-03-01T00:00:00+09:00"}, // it is February in Seoul
		{"Asia/Seoul", "2030-12-01T00:00:00+09:00", month(13), "2032-02-01T00:00:00+09:00"},
		{"Asia/Seoul", "2030-02-01T00:00:00+09:00", until("2030-02-28"), "2030-03-01T00:00:00+09:00"},
		// An hour is left out on 31 March, and comes twice on 27 October: a day later is the same time of day.
		{"Europe/Berlin", "2030-03-30T12:00:00+01:00", days(1), "2030-03-31T12:00:00+02:00"},
		{"Europe/Berlin", "2030-10-26T12:00:00+02:00", days(1), "2030-10-27T12:00:00+01:00"},
		{"Europe/Berlin", "2030-03-30T02:30:00+01:00", days(1), "2030-03-31T03:30:00+02:00"}, // 02:30 is left out
		{"Europe/Berlin", "2030-03-01T12:00:00+01:00", until("2030-03-31"), "2030-04-01T00:00:00+02:00"},
		{"Europe/Berlin", "2030-10-01T12:00:00+02:00", month(0), "2030-11-01T00:00:00+01:00"},
		// Midnight itself is left out: the day begins at one. Where it comes twice, the day begins at the first.
		{"America/Santiago", "2026-09-01T12:00:00-04:00", until("2026-09-05"), "2026-09-06T01:00:00-03:00"},
		{"America/Santiago", "2027-09-01T12:00:00-04:00", until("2027-09-04"), "2027-09-05T01:00:00-03:00"},
		{"America/Havana", "2027-03-01T12:00:00-05:00", until("2027-03-13"), "2027-03-14T01:00:00-04:00"},
		{"Africa/Cairo", "2026-04-01T12:00:00+02:00", until("2026-04-23"), "2026-04-24T01:00:00+03:00"},
		{"America/Havana", "2026-10-01T12:00:00-04:00", month(0), "2026-11-01T00:00:00-04:00"},
		// The last hour of the day comes twice: the next day begins after the second.
		{"America/Santiago", "2027-04-01T12:00:00-03:00", until("2027-04-03"), "2027-04-04T00:00:00-04:00"},
		{"Asia/Beirut", "2027-10-01T12:00:00+03:00", until("2027-10-30"), "2027-10-31T00:00:00+02:00"},
	} {
		loc, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		saved, err := time.Parse(time.RFC3339, c.saved)
		require.NoError(t, err)
		p := money.Policy{PolicyTerms: c.terms}
		got := p.ExpiryAt(saved, loc)
		require.Equal(t, c.expiry, got.In(loc).Format(time.RFC3339), "%s %s", c.zone, c.saved)
	}
}
