package ledgers

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/app/processes"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/moneytest"
	"bestow/internal/pgtest"
	"bestow/money/moneyhttp"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

const token = "the-ledgers-token"

// books are the ledger of a shop, in this process and over HTTP.
func books(t *testing.T, s *moneytest.Shop) map[string]ledger.Book {
	t.Helper()
	pool := pgtest.New(t) // of the processes: that of the shop has a clock, and nothing but the ledger
	service, err := moneyhttp.New(moneyhttp.Config{Ledger: s.Ledger, Token: token})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return map[string]ledger.Book{
		"own":    bookOf(t, Config{Own: s.Ledger, Pool: pool}),
		"remote": remoteBookAt(t, pool, server.URL),
	}
}

func bookOf(t *testing.T, c Config) ledger.Book {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	g, err := New(c)
	require.NoError(t, err)
	t.Cleanup(g.Close)
	return g.Book(processes.NewLedgers(c.Pool))
}

func remoteBookAt(t *testing.T, pool *pgxpool.Pool, url string) ledger.Book {
	t.Helper()
	return bookOf(t, Config{
		Pool: pool, Over: []settings.LedgerAddress{{Name: domain.OurGranter, URL: url, Token: token}},
	})
}

// eachBook runs the test with the ledger of a new shop, in this process and over HTTP.
func eachBook(t *testing.T, test func(*testing.T, *moneytest.Shop, ledger.Book)) {
	t.Helper()
	for _, name := range []string{"own", "remote"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := moneytest.PolicyShop(t) // noon of 15 January 2030 in Seoul
			test(t, s, books(t, s)[name])
		})
	}
}

// Both ways to the ledger say the same of what expires.
func TestBookForecast(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, s *moneytest.Shop, b ledger.Book) {
		t.Helper()
		f, err := b.Forecast(t.Context())
		require.NoError(t, err)
		require.Nil(t, f.CountedAt)
		s.Saved(100, time.Date(2030, time.January, 16, 0, 0, 0, 0, time.FixedZone("", 9*60*60)))
		s.Saved(20)
		_, err = s.CountForecast(t.Context())
		require.NoError(t, err)
		f, err = b.Forecast(t.Context())
		require.NoError(t, err)
		require.NotNil(t, f.CountedAt)
		f.CountedAt = nil
		day, none := ledger.Sum{Lots: 1, Points: 100}, ledger.Sum{Lots: 1, Points: 20}
		require.Equal(t, ledger.Forecast{
			Days: []ledger.Period{{Name: "2030-01-15", Sum: day}}, Months: []ledger.Period{{Name: "2030-01", Sum: day}},
			Never: none, Total: ledger.Sum{Lots: 2, Points: 120},
		}, f)
	})
}

// says answers with the JSON.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

// Both ways to the ledger say the same of what became of all that was saved.
func TestBookTotals(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, s *moneytest.Shop, b ledger.Book) {
		t.Helper()
		got, err := b.Totals(t.Context())
		require.NoError(t, err)
		require.Nil(t, got.CountedAt)
		require.False(t, got.Expiry.Until.IsZero())
		s.Saved(100)
		s.Used(30)
		_, err = s.CountForecast(t.Context())
		require.NoError(t, err)
		got, err = b.Totals(t.Context())
		require.NoError(t, err)
		require.NotNil(t, got.CountedAt)
		all := ledger.Total{Lots: 1, OpenLots: 1, Saved: 100, Left: 70, Used: 30}
		require.Equal(t, all, got.All)
		require.Equal(t, []ledger.Total{all}, got.Policies)
		require.Len(t, got.Types, 1)
		require.NotEmpty(t, got.Types[0].Code)
		require.Empty(t, got.Days)
	})
}

// Whatever answers at the address of the ledger, operators are told that it is away, and no fault of ours.
func TestBookAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for name, answer := range map[string]http.HandlerFunc{
		"another's":   http.NotFound,
		"broken":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no json":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"other token": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"no month":    says(`{"counted_at": "2030-01-15T00:00:00Z", "months": [{"period": "later", "lots": 1, "points": 1}]}`),
		"no day":      says(`{"counted_at": "2030-01-15T00:00:00Z", "days": [{"period": "2030-01", "lots": 1, "points": 1}]}`),
		"redirects":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
	} {
		server := httptest.NewServer(answer)
		_, err := remoteBookAt(t, pool, server.URL).Forecast(t.Context())
		require.True(t, domain.IsCode(err, domain.Unavailable), "%s: %v", name, err)
		server.Close()
		_, err = remoteBookAt(t, pool, server.URL).Forecast(t.Context())
		require.True(t, domain.IsCode(err, domain.Unavailable), "gone: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := remoteBookAt(t, pool, "http://127.0.0.1:1").Forecast(ended)
	require.ErrorIs(t, err, context.Canceled)
}

// Another ledger than the one that grants go to refuses.
func TestBookIsOfTheLedgerThatGrants(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	service, err := moneyhttp.New(moneyhttp.Config{Ledger: s.Ledger, Token: token})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	pool := pgtest.New(t)
	b := remoteBookAt(t, pool, server.URL)
	_, err = b.Forecast(t.Context())
	require.NoError(t, err)
	_, err = processes.NewLedgers(pool).Meet(t.Context(), domain.OurGranter, "another")
	require.NoError(t, err)
	_, err = b.Forecast(t.Context())
	require.True(t, domain.IsCode(err, domain.Unavailable), "%v", err)
	require.ErrorContains(t, err, "this ledger has another id")
}

// A process that has no ledger of points has no book of it.
func TestNoBook(t *testing.T) {
	t.Parallel()
	require.Nil(t, Granter{}.Book(nil))
	_, err := ledger.New(nil, nil).Forecast(t.Context())
	require.True(t, domain.IsCode(err, domain.Unavailable), "%v", err)
}
