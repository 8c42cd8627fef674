package ledger_test

import (
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/internal/apitest"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const forecastURL = "/api/v1/ledger/forecast"

func setup(t *testing.T) *desktest.Desk {
	t.Helper()
	return apitest.New(t, bestowhttp.Config{})
}

// The forecast has what the ledger has counted, and empty lists before it has.
func TestForecast(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.JSONEq(t, `{"counted_at": null, "days": [], "months": [], "later": {"lots": 0, "points": 0},
		"never": {"lots": 0, "points": 0}, "total": {"lots": 0, "points": 0}}`, d.Get(forecastURL).Text)

	at := time.Date(2026, time.November, 30, 0, 5, 0, 0, time.FixedZone("", 9*60*60))
	d.Book.Counted = ledger.Forecast{
		CountedAt: &at, Days: []ledger.Period{{Name: "2026-12-31", Sum: ledger.Sum{Lots: 2, Points: 30}}},
		Months: []ledger.Period{{Name: "2026-12", Sum: ledger.Sum{Lots: 3, Points: 40}}},
		Later:  ledger.Sum{Lots: 1, Points: 7}, Never: ledger.Sum{Lots: 4, Points: 9_007_199_254_740_993},
		Total: ledger.Sum{Lots: 8, Points: 9_007_199_254_741_040},
	}
	got := desktest.Decoded[api.LedgerForecast](d.Get(forecastURL))
	require.Equal(t, api.LedgerForecast{
		CountedAt: new(at.UTC()), Days: []api.ForecastPeriod{{Period: "2026-12-31", LotSum: api.LotSum{Lots: 2, Points: 30}}},
		Months: []api.ForecastPeriod{{Period: "2026-12", LotSum: api.LotSum{Lots: 3, Points: 40}}},
		Later:  api.LotSum{Lots: 1, Points: 7}, Never: api.LotSum{Lots: 4, Points: 9_007_199_254_740_993},
		Total: api.LotSum{Lots: 8, Points: 9_007_199_254_741_040},
	}, got)
}

// The totals are what the ledger has counted, and empty lists before it has.
func TestTotals(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const url = "/api/v1/ledger/totals"
	const none = `{"code": "", "others": false, "lots": 0, "open_lots": 0, "saved": 0, "left": 0, "used": 0, "cancelled": 0, "expired": 0}`
	require.JSONEq(t, `{"counted_at": null, "all": `+none+`, "types": [], "policies": [], "days": [],
		"expiry": {"until": "0001-01-01T00:00:00Z", "waiting": 0}}`, d.Get(url).Text)
	at := desktest.Noon
	all := ledger.Total{Lots: 9, OpenLots: 5, Saved: 100, Left: 40, Used: 30, Cancelled: 20, Expired: 10}
	cm := all
	cm.Code = "CM"
	d.Book.Sums = ledger.Totals{
		CountedAt: &at, All: all, Types: []ledger.Total{cm, {Others: true}}, Policies: []ledger.Total{all}, Days: []ledger.Total{cm},
		Expiry: ledger.Expiry{Until: at, Waiting: 3},
	}
	require.Equal(t, api.LedgerTotals{
		CountedAt: &at, All: api.LedgerTotal(all), Types: []api.LedgerTotal{api.LedgerTotal(cm), {Others: true}},
		Policies: []api.LedgerTotal{api.LedgerTotal(all)}, Days: []api.LedgerTotal{api.LedgerTotal(cm)},
		Expiry: api.LedgerExpiry{Until: at, Waiting: 3},
	}, desktest.Decoded[api.LedgerTotals](d.Get(url)))
	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	d.Get(url).Refused(503, "unavailable")
}

// While the ledger is away its routes say so, and when to ask again.
func TestLedgerAway(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Book.Away = domain.UnavailableError("the ledger does not answer: connection refused", "wait")
	a := d.Get(forecastURL)
	require.Equal(t, "the ledger does not answer: connection refused", a.Refused(503, "unavailable").Detail)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Equal(t, 200, d.Get("/api/v1/events").StatusCode)
}
