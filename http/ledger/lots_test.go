package ledger_test

import (
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const lotsURL = "/api/v1/members/m%2F1/lots"

// A member's lots come in pages, and one lot with what was drawn from it.
func TestLots(t *testing.T) {
	t.Parallel()
	d := setup(t)
	at := desktest.Noon.Add(24 * time.Hour)
	d.Book.Held = []ledger.Lot{
		{MoneyTxID: "P3", Amount: 5, Left: 5, CreatedAt: desktest.Noon},
		{
			MoneyTxID: "P1", Amount: 100, Left: 60, Used: 10, Cancelled: 20, Expired: 10, TypeCode: "CM", Ref: "7", Reason: "spring",
			CreatedAt: desktest.Noon, ExpiryAt: &at,
			Draws: []ledger.Draw{{MoneyTxID: "P2", Kind: "use", Amount: -10, CreatedAt: desktest.Noon}},
		},
	}
	first := desktest.Decoded[api.Lots](d.Get(lotsURL + "?limit=1"))
	require.Len(t, first.Items, 1)
	require.Nil(t, first.Items[0].ExpiryAt)
	rest := desktest.Decoded[api.Lots](d.Get(lotsURL + "?limit=1&cursor=" + *first.NextCursor))
	require.Equal(t, "P1", rest.Items[0].MoneyTxID)
	require.Nil(t, rest.NextCursor)
	require.Equal(t, api.Lot{
		MoneyTxID: "P1", Amount: 100, Left: 60, Used: 10, Cancelled: 20, Expired: 10, TypeCode: "CM", Ref: new("7"),
		Reason: new("spring"), CreatedAt: desktest.Noon, ExpiryAt: &at,
		Draws: []api.Draw{{MoneyTxID: "P2", Kind: "use", Amount: -10, CreatedAt: desktest.Noon}},
	}, desktest.Decoded[api.Lot](d.Get(lotsURL+"/P1")))

	d.Get(lotsURL+"/P9").Refused(404, "not_found")
	d.Get(lotsURL+"?cursor=x").Refused(400, "bad_request")
	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	d.Get(lotsURL).Refused(503, "unavailable")
	d.Get(lotsURL+"/P1").Refused(503, "unavailable")
}
