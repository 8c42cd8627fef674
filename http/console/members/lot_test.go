package members_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// The way of a member ends with what became of the points. A ledger that is away, or that does not know the save, breaks
// nothing.
func TestTraceShowsTheLot(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Operator)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, money_tx_id) VALUES (1, 500, 'm1', 'SUCCESS', 'P9')`)
	const path = "/console/campaigns/1/members/m1"
	require.NotContains(t, b.Get(path).Text, ">Lot<", "the ledger does not know it")

	expiry := time.Date(2026, time.December, 31, 15, 0, 0, 0, time.UTC) // midnight of 1 January in Seoul
	d.Book.Held = []ledger.Lot{{
		MoneyTxID: "P9", Amount: 500, Left: 200, Used: 250, Expired: 50, ExpiryAt: &expiry, CreatedAt: desktest.Noon,
		Draws: []ledger.Draw{{MoneyTxID: "P12", Kind: "use", Amount: -250, CreatedAt: desktest.Noon}},
	}}
	p := b.Get(path)
	text := strings.Join(strings.Fields(p.Text), " ")
	for _, want := range []string{
		">Lot<", `aria-label="200 left of 500"`, "2026-12-31", "P12", "−250", "<dt>Left</dt>", "<dt>Used</dt>", "<dt>Expired</dt>",
		`x="40.00%" width="50.00%"`,
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "<dt>Cancelled</dt>", "nothing was")

	d.Book.Held[0] = ledger.Lot{MoneyTxID: "P9", Amount: 500, Cancelled: 500}
	text = b.Get(path).Text
	require.Contains(t, text, "Never expire")
	require.Contains(t, text, "<dt>Left</dt>")

	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	p = b.Get(path)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, p.Text, "what is left is not known now")
	require.Contains(t, p.Text, "Granted: 500")
}
