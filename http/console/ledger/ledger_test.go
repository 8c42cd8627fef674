package ledger_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

const here = "/console/ledger"

// counted is a forecast of noon, 30 November 2026, in Seoul.
func counted() ledger.Forecast {
	at := time.Date(2026, time.November, 30, 3, 0, 0, 0, time.UTC)
	return ledger.Forecast{
		CountedAt: &at,
		Days: []ledger.Period{
			{Name: "2026-11-30", Sum: ledger.Sum{Lots: 1, Points: 40}},
			{Name: "2026-12-29", Sum: ledger.Sum{Lots: 2, Points: 4000}},
			{Name: "2026-12-30", Sum: ledger.Sum{Lots: 5, Points: 8000}},
		},
		Months: []ledger.Period{
			{Name: "2026-11", Sum: ledger.Sum{Lots: 1, Points: 40}},
			{Name: "2026-12", Sum: ledger.Sum{Lots: 7, Points: 12_000}},
			{Name: "2028-06", Sum: ledger.Sum{Lots: 3, Points: 600}},
		},
		Later: ledger.Sum{Lots: 1, Points: 70_000}, Never: ledger.Sum{Lots: 4, Points: 1_000_000},
		Total: ledger.Sum{Lots: 16, Points: 1_082_640},
	}
}

// The page says what members have and when it expires, as bars and as tables.
func TestTotals(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get(here).Text, "Nothing was counted yet")

	d.Book.Counted = counted()
	p := b.Get(here)
	require.Equal(t, http.StatusOK, p.StatusCode)
	for _, want := range []string{
		"1,082,640", "one million eighty-two thousand six hundred forty", // all that members have
		"4,040", // within 30 days, the day of the count among them
		"70,000", "1,000,000", "Most: 2026-12-30, 8,000 P", "Most: 2026-12, 12,000 P",
	} {
		require.Contains(t, p.Text, want)
	}
	require.Equal(t, 62+20, strings.Count(p.Text, `<rect x="`), "a bar a day, and a month up to the last one with points")
	require.Equal(t, 2, strings.Count(p.Text, `class="hi"`))
	require.Equal(t, 6, strings.Count(p.Text, `<td class="tn">`), "what has no points is in no table")
	require.Contains(t, p.Text, `y="8.0" width="7.7" height="112.0" class="hi"`)
	require.Contains(t, p.Text, `y="119.0" width="7.7" height="1.0"`, "what is little is seen")

	d.Book.Counted = ledger.Forecast{CountedAt: counted().CountedAt}
	p = b.Get(here)
	require.Contains(t, p.Text, "No points expire in this time")
	require.NotContains(t, p.Text, `<rect x="`)
}

// Months are drawn as far as a forecast goes, whatever the ledger calls them.
func TestMonthsHaveAnEnd(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	for _, name := range []string{"later", "9999-12"} {
		d.Book.Counted = counted()
		d.Book.Counted.Months = append(d.Book.Counted.Months, ledger.Period{Name: name, Sum: ledger.Sum{Lots: 1, Points: 1}})
		require.Equal(t, 62+61, strings.Count(b.Get(here).Text, `<rect x="`), name)
	}
}

// The page says what became of all that was saved, by type and by policy. A ledger of another version, which does not
// count it, breaks nothing.
func TestTotalsByTypeAndPolicy(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	d.Book.Counted = counted()
	require.NotContains(t, b.Get(here).Text, "All saves")

	all := ledger.Total{Lots: 9, OpenLots: 5, Saved: 1_000_100, Left: 40, Used: 30, Cancelled: 1_000_020, Expired: 10}
	campaigns, others, anew := all, ledger.Total{Others: true, Saved: 77}, ledger.Total{Code: "RG"}
	campaigns.Code = "CM"
	d.Book.Sums = ledger.Totals{
		CountedAt: counted().CountedAt, All: all, Types: []ledger.Total{campaigns, anew, {Code: "<b>"}, others}, Policies: []ledger.Total{all},
	}
	text := strings.Join(strings.Fields(b.Get(here).Text), " ")
	for _, want := range []string{
		"All saves, by type", "Campaigns (CM)", "1,000,100", "1,000,020", "Saved again after a cancelled use (RG)", "&lt;b&gt;", "All others",
		`<b class="brk">Total</b>`, "All saves, by policy", "Without a policy",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, 1, strings.Count(text, `<b class="brk">Total</b>`), "one row is its own total")

	for _, want := range []string{"Expiry late", "Nothing ran out in the last 30 days."} {
		require.Contains(t, text, want)
	}
	d.Book.Sums.Expiry = ledger.Expiry{Until: time.Now(), Waiting: 12_345}
	d.Book.Sums.Days = []ledger.Total{{Code: "2026-11-29", Lots: 654, Saved: 1_000_777, Used: 1_000_000, Expired: 777}}
	text = strings.Join(strings.Fields(b.Get(here).Text), " ")
	for _, want := range []string{"Expiry on time", "12,345 lots to expire", "2026-11-29", "1,000,777", "654</td>"} {
		require.Contains(t, text, want)
	}

	d.Book.NoSums = domain.UnavailableError("the ledger does not have this", "")
	d.Book.Sums = ledger.Totals{}
	text = b.Get(here).Text
	require.NotContains(t, text, "All saves")
	require.Contains(t, text, "1,082,640", "the forecast is there")
}

// While the ledger is away the page says so, and all other pages work.
func TestLedgerAway(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	d.Book.Away = domain.UnavailableError("the ledger does not answer: connection refused", "wait")
	p := b.Get(here)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, p.Text, "The ledger does not answer")
	require.Contains(t, p.Text, "connection refused")
	require.NotContains(t, p.Text, "Members’ points")
	require.Equal(t, http.StatusOK, b.Get("/console").StatusCode)
}
