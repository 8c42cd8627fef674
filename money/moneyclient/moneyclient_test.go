package moneyclient_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"bestow/internal/pgtest"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	token        = "a token of this test"
	installation = "11111111-2222-3333-4444-555555555555"
)

// bundle is a ledger of ours, and a client of it.
type bundle struct {
	testing.TB
	ledger *moneydb.Ledger
	client *moneyclient.Client
}

func setup(tb testing.TB) bundle {
	tb.Helper()
	ledger, err := moneydb.New(moneydb.Config{Pool: pgtest.New(tb)})
	require.NoError(tb, err)
	service, err := moneyhttp.New(moneyhttp.Config{Ledger: ledger, Token: token})
	require.NoError(tb, err)
	at := httptest.NewServer(service)
	tb.Cleanup(at.Close)
	return bundle{tb, ledger, newClient(tb, moneyclient.Config{URL: at.URL, Token: token})}
}

func newClient(tb testing.TB, c moneyclient.Config) *moneyclient.Client {
	tb.Helper()
	client, err := moneyclient.New(c)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

func soon() time.Time { return time.Now().Add(time.Minute) }

func items(n int) []money.Item {
	all := make([]money.Item, n)
	for i := range all {
		member := fmt.Sprintf("회원/%05d", i)
		all[i] = money.Item{
			Key: "grant:7:" + member, MemberID: member, Amount: 1000 + int64(i), TypeCode: "CM",
			Ref: "7", Reason: "봄 축제",
		}
	}
	return all
}
