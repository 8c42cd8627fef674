package http

import (
	"net/url"
	"strings"
	"testing"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// results follows the pages of the results to their end.
func (d *desk) results(e api.Event, query string) (ids []string) {
	d.Helper()
	for cursor := ""; ; {
		a := d.get(eventURL(e.ID) + "/results?limit=2" + query + cursor)
		require.Equal(d, 200, a.StatusCode, a.body)
		page := decoded[api.Results](a)
		for _, r := range page.Items {
			ids = append(ids, r.MemberID)
		}
		if page.NextCursor == nil {
			return ids
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

// What became of each member is told, with the ledger's reason, by every way to narrow it.
func TestResults(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e, other := d.pointEvent("a"), d.pointEvent("b")
	require.JSONEq(t, `{"items": [], "next_cursor": null}`, d.get(eventURL(e.ID)+"/results").body)
	d.plant(e.ID)
	d.sql(`UPDATE point_results SET error_message = 'closed in 2025', retry_count = 4 WHERE member_id = 'e'`)
	d.sql(`INSERT INTO point_results (event_id, amount, member_id, status, money_tx_id) VALUES ($1, 5, '회원 1', 'SUCCESS', 'tx-1')`, e.ID)

	require.Equal(t, []string{"a", "b", "c", "d", "e", "f", "g", "회원 1"}, d.results(e, ""))
	require.Empty(t, d.results(other, ""))
	require.Equal(t, []string{"e", "f", "g"}, d.results(e, "&status=PERMANENTLY_FAILED"))
	require.Equal(t, []string{"d", "회원 1"}, d.results(e, "&status=SUCCESS"))
	require.Equal(t, []string{"c"}, d.results(e, "&status=PENDING"))
	require.Equal(t, []string{"a", "b", "g"}, d.results(e, "&error_code=busy"))
	require.Equal(t, []string{"g"}, d.results(e, "&error_code=busy&status=PERMANENTLY_FAILED"))
	require.Empty(t, d.results(e, "&member_id=zz"))
	require.Empty(t, d.results(e, "&member_id=%20"))
	for _, spelling := range []string{"회원 1", " 회원 1", "회원 1\u3000", norm.NFD.String("회원 1"), norm.NFD.String(strings.Repeat("회", 50))} {
		want := []string{"회원 1"}
		if len(spelling) > 100 {
			want = nil // as long as an id may be
		}
		require.Equal(t, want, d.results(e, "&member_id="+url.QueryEscape(spelling)), "%q", spelling)
	}

	gone := decoded[api.Results](d.get(eventURL(e.ID) + "/results?member_id=e")).Items[0]
	require.NotZero(t, gone.UpdatedAt)
	code, why := "withdrawn", "closed in 2025"
	require.Equal(t, api.Result{MemberID: "e", Amount: 5, Status: "PERMANENTLY_FAILED", ErrorCode: &code, ErrorMessage: &why,
		RetryCount: 4, UpdatedAt: gone.UpdatedAt}, gone)
	given := decoded[api.Results](d.get(eventURL(e.ID) + "/results?member_id=%ED%9A%8C%EC%9B%90%201")).Items[0]
	require.Nil(t, given.ErrorCode)
	require.Equal(t, "tx-1", *given.MoneyTxID)
}

func TestResultsRefuse(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.pointEvent("a")
	d.get("/api/v1/events/77/results").refused(404, "not_found")
	foreign := writeCursor(eventCursor, 7)
	for _, query := range []string{"?status=LOST", "?limit=0", "?limit=1001", "?member_id=%00", "?member_id=%ff", "?error_code=%0a", "?cursor=x",
		"?cursor=" + foreign, "?cursor=" + writeTextCursor(resultCursor, "a\x00"), "?cursor=" + writeTextCursor(resultCursor, ""), "?member=a"} {
		d.get(eventURL(e.ID)+"/results"+query).refused(400, api.BadRequest)
	}
}
