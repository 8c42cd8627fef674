package conformance_test

import (
	"flag"
	"net/http/httptest"
	"testing"

	"bestow/internal/pgtest"
	"bestow/internal/seal"
	"bestow/money/conformance"
	"bestow/money/conformance/exampleledger"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp"

	"github.com/stretchr/testify/require"
)

var (
	moneyURL = flag.String("money-url", "",
		"the ledger that is tried, without /money/v1 (default: the one of this repository)")
	moneyFull = flag.Bool("money-full", false,
		"try the routes of members too (always so for the ledger of this repository)")
	moneyToken = flag.String("money-token", "token", "the token that it asks for")
)

func TestMain(m *testing.M) {
	flag.Parse()
	pgtest.Main(m)
}

// The ledger keeps the contract of the four grant routes.
func TestLedger(t *testing.T) {
	t.Parallel()
	tried := conformance.Ledger{URL: *moneyURL, Token: *moneyToken}
	checks := conformance.Checks()
	if tried.URL == "" || *moneyFull {
		checks = append(checks, conformance.FullChecks()...)
	}
	if tried.URL == "" {
		tried.URL = ours(t, *moneyToken)
	}
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Run(t.Context(), tried); err != nil {
				t.Error(err)
			}
		})
	}
}

// ours is the ledger of this repository, with a database of its own.
func ours(t *testing.T, token string) (url string) {
	t.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	ledger, err := moneydb.New(moneydb.Config{Pool: pgtest.New(t), Master: master})
	require.NoError(t, err)
	service, err := moneyhttp.New(moneyhttp.Config{Ledger: ledger, Token: token})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return server.URL
}

// The example of the docs keeps the contract.
func TestExampleLedger(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&exampleledger.Ledger{Token: "token"})
	t.Cleanup(server.Close)
	for _, c := range conformance.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, c.Run(t.Context(), conformance.Ledger{URL: server.URL, Token: "token"}))
		})
	}
}
