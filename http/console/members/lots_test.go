package members_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// regexpLots finds the link to the next page of lots.
var regexpLots = regexp.MustCompile(`href="(/console/members\?[^"]*lots=[^"]*)#lots"`)

// A member's page lists all lots, fifty at a time and apart from the campaigns: what each was saved for, what is left of
// it and what became of the rest.
func TestMemberLots(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	const campaigns = 52
	for n := range campaigns {
		d.List(d.PointEvent(fmt.Sprintf("c-%02d", n)).ID, "", "m1")
	}
	expiry := time.Date(2026, time.December, 31, 15, 0, 0, 0, time.UTC) // midnight of 1 January in Seoul
	d.Book.Held = []ledger.Lot{
		{MoneyTxID: "P77", Amount: 500, Left: 200, Used: 250, Expired: 50, TypeCode: "CM", Ref: "52", CreatedAt: desktest.Noon, ExpiryAt: &expiry},
		{MoneyTxID: "P76", Amount: 30, Cancelled: 30, TypeCode: "BUY", Ref: "order-<1>", Reason: "late & lost", CreatedAt: desktest.Noon},
		{MoneyTxID: "P75", Amount: 8, Left: 8, TypeCode: "CM", Ref: "999", CreatedAt: desktest.Noon},
	}
	for n := range 49 {
		d.Book.Held = append(d.Book.Held, ledger.Lot{MoneyTxID: fmt.Sprintf("P%d", 60-n), Amount: 1, Left: 1, CreatedAt: desktest.Noon})
	}
	b := d.SignedIn(domain.Operator)
	p := b.Get("/console/members?q=m1")
	require.Equal(t, http.StatusOK, p.StatusCode, p.Text)
	text := strings.Join(strings.Fields(p.Text), " ")
	for _, want := range []string{
		`<a class="name" href="/console/campaigns/52/members/m1">c-51</a> <span class="id"><span class="mono">P77</span>`,
		`x="40.00%" width="50.00%"`, "Used 250", "Expired 50", "2026-12-31", "BUY order-&lt;1&gt;", "late &amp; lost", "Cancelled 30",
		`<b class="brk">CM 999</b>`, "Never expire", ">P14<",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, ">P13<")

	next := regexpLots.FindStringSubmatch(p.Text)
	require.NotNil(t, next)
	p = b.Get(html.UnescapeString(next[1]))
	require.Contains(t, p.Text, ">P13<")
	require.Contains(t, p.Text, ">P12<")
	require.NotContains(t, p.Text, ">P14<")
	require.Contains(t, p.Text, "c-51", "the campaigns stay where they are")
	require.Contains(t, p.Text, `href="/console/members?q=m1#lots"`)
	campaignsNext := regexpNext.FindStringSubmatch(p.Text)
	require.NotNil(t, campaignsNext)
	p = b.Get(html.UnescapeString(campaignsNext[1]))
	require.Contains(t, p.Text, ">P13<", "the lots stay where they are")
	require.NotContains(t, p.Text, "c-51")

	require.Equal(t, http.StatusBadRequest, b.Get("/console/members?q=m1&lots=rubbish").StatusCode)
}

// A member of no campaign has lots too. A ledger that is away breaks no page, and who may not see whole IDs sees none.
func TestMemberLotsAlone(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get("/console/members?q=0123456789").Text, "has no lot of this member")
	require.NotContains(t, b.Get("/console/members").Text, "has no lot")
	d.Book.Held = []ledger.Lot{{MoneyTxID: "P1", Amount: 5, Left: 5, TypeCode: "BUY", CreatedAt: desktest.Noon}}
	p := b.Get("/console/members?q=0123456789")
	require.Contains(t, p.Text, "No campaign has this member")
	require.Contains(t, p.Text, ">P1<")
	require.NotContains(t, p.Text, ">0123456789<")

	d.Book.Away = domain.UnavailableError("the ledger does not answer", "wait")
	p = b.Get("/console/members/" + url.PathEscape("0123456789"))
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, p.Text, "what is left is not known now")
	d.Book.Away = domain.NotFoundError("the ledger can have no such member", "")
	require.Equal(t, http.StatusOK, b.Get("/console/members?q=x").StatusCode)
}
