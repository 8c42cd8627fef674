package moneyhttp_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp"

	"github.com/stretchr/testify/require"
)

// A request that names another ledger or another installation is refused by every route but those that tell which
// ledger it is, and changes nothing.
func TestEveryRouteRefusesAnotherLedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	doc, err := moneyhttp.OpenAPI()
	require.NoError(t, err)
	var described struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	require.NoError(t, json.Unmarshal(doc, &described))
	var open []string
	for path, methods := range described.Paths {
		for method, operation := range methods {
			route := strings.ToUpper(method) + " " + path
			says := slices.ContainsFunc(operation.Parameters, func(p struct{ Name, In string }) bool {
				return p.In == "header" && p.Name == "Bestow-Ledger"
			})
			if !says {
				open = append(open, route)
				continue
			}
			at := "/money/v1" + strings.NewReplacer("{id}", "m", "{money_tx_id}", "P1", "{code}", "A").Replace(path)
			got := b.send(strings.ToUpper(method), at, `{}`, with("Bestow-Ledger", installation))
			require.Equal(t, 409, got.status, "%s: %s", route, got.body)
			require.Contains(t, got.body, `"other_ledger"`, route)
			got = b.send(strings.ToUpper(method), at, `{}`, with("Bestow-Installation", installation))
			require.Equal(t, 409, got.status, "%s: %s", route, got.body)
			require.Contains(t, got.body, `"other_installation"`, route)
		}
	}
	require.ElementsMatch(t, []string{"GET /identity", "PUT /pairing"}, open)
}

// A clawback whose address leads to another ledger takes nothing there from the members of the same name.
func TestCancelsAtAnotherLedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	points, err := b.client.GrantPoints(t.Context(), moneytest.Soon(), items(1))
	require.NoError(t, err)
	issued, err := b.client.GrantVouchers(t.Context(), moneytest.Soon(), items(1))
	require.NoError(t, err)
	b.client.Expect(installation)
	var refused *moneyclient.RefusedError
	_, err = b.client.CancelSaves(t.Context(), moneytest.Soon(),
		[]money.Cancel{{Key: "c", MemberID: points[0].MemberID, TxID: points[0].TxID}})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "other_ledger", refused.Code)
	_, err = b.client.CancelVouchers(t.Context(), moneytest.Soon(),
		[]money.VoucherCancel{{Key: "c", MemberID: issued[0].MemberID, TxID: issued[0].TxID}})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "other_ledger", refused.Code)
	_, _, err = b.client.Use(t.Context(),
		money.Spending{Key: "u", MemberID: points[0].MemberID, Amount: 1, TypeCode: "ORDER", Ref: "1"})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "other_ledger", refused.Code)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, b.count(`SELECT count(*) FROM money.voucher_events`))
}
