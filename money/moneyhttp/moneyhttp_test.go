package moneyhttp_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bestow/internal/logtest"
	"bestow/internal/moneytest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	token        = "a token of this test"
	installation = "11111111-2222-3333-4444-555555555555"
)

// bundle is a ledger, its service, and a client of it.
type bundle struct {
	testing.TB
	pool   *pgxpool.Pool
	master *seal.Master
	ledger *moneydb.Ledger
	url    string
	client *moneyclient.Client
	log    *logtest.Log
}

func setup(tb testing.TB) bundle {
	tb.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(tb, err)
	b := bundle{TB: tb, pool: pgtest.New(tb), master: master, log: &logtest.Log{}}
	b.ledger, b.url = serveAt(tb, moneydb.Config{Pool: b.pool, Master: master}, b.log)
	b.client = newClient(tb, moneyclient.Config{URL: b.url, Token: token})
	return b
}

// serveAt serves a ledger until the test ends.
func serveAt(tb testing.TB, c moneydb.Config, log io.Writer) (ledger *moneydb.Ledger, url string) {
	tb.Helper()
	ledger, err := moneydb.New(c)
	require.NoError(tb, err)
	service, err := moneyhttp.New(moneyhttp.Config{
		Ledger: ledger, Token: token,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(tb, err)
	at := httptest.NewServer(service)
	tb.Cleanup(at.Close)
	return ledger, at.URL
}

// serve returns a client of a ledger that is served until the test ends.
func serve(tb testing.TB, c moneydb.Config) *moneyclient.Client {
	tb.Helper()
	_, url := serveAt(tb, c, io.Discard)
	return newClient(tb, moneyclient.Config{URL: url, Token: token})
}

func newClient(tb testing.TB, c moneyclient.Config) *moneyclient.Client {
	tb.Helper()
	client, err := moneyclient.New(c)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

// item is moneytest.Item of a member whose id has to be escaped in a path.
func item(n int) money.Item {
	good := moneytest.Item(n)
	good.MemberID = strings.Replace(good.MemberID, "회원", "회원/", 1)
	good.Key = "grant:7:" + good.MemberID
	return good
}

// items are the first n.
func items(n int) []money.Item {
	all := make([]money.Item, n)
	for i := range all {
		all[i] = item(i)
	}
	return all
}

// reply is the answer to a request that is made by hand.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request by hand; change may change it.
func (b bundle) send(method, path, body string, change ...func(*http.Request)) reply {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(req)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	got, err := client.Do(req)
	require.NoError(b, err)
	text, err := io.ReadAll(got.Body)
	require.NoError(b, err)
	require.NoError(b, got.Body.Close())
	return reply{got.StatusCode, got.Header, string(text)}
}

func with(header, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(header, value) }
}

func twice(header, a, b string) func(*http.Request) {
	return func(r *http.Request) { r.Header[header] = []string{a, b} }
}

// count is the number that a query gives.
func (b bundle) count(query string) (n int) {
	b.Helper()
	require.NoError(b, b.pool.QueryRow(b.Context(), query).Scan(&n))
	return n
}

// grantsOver is a way to the ledger, in process or over HTTP.
type grantsOver interface {
	GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error)
	GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error)
	LookupPoints(ctx context.Context, keys []string) ([]money.Found, error)
	LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error)
}
