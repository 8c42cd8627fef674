package inspect_test

import (
	"net/url"
	"strings"
	"testing"

	"bestow/http/api"
	"bestow/http/web"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// results follows the pages of the results to their end.
func (d *desk) results(e api.Event, query string) (ids []string) {
	d.Helper()
	for cursor := ""; ; {
		a := d.Get(desktest.EventURL(e.ID) + "/results?limit=2" + query + cursor)
		require.Equal(d, 200, a.StatusCode, a.Text)
		page := desktest.Decoded[api.Results](a)
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
	e, other := d.PointEvent("a"), d.PointEvent("b")
	require.JSONEq(t, `{"items": [], "next_cursor": null}`, d.Get(desktest.EventURL(e.ID)+"/results").Text)
	d.Plant(e.ID)
	d.SQL(`UPDATE point_results SET error_message = 'closed in 2025', retry_count = 4 WHERE member_id = 'e'`)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, money_tx_id) VALUES ($1, 5, '회원 1', 'SUCCESS', 'tx-1')`, e.ID)

	require.Equal(t, []string{"a", "b", "c", "d", "e", "f", "g", "회원 1"}, d.results(e, ""))
	require.Empty(t, d.results(other, ""))
	require.Equal(t, []string{"e", "f", "g"}, d.results(e, "&status=PERMANENTLY_FAILED"))
	require.Equal(t, []string{"d", "회원 1"}, d.results(e, "&status=SUCCESS"))
	require.Equal(t, []string{"c"}, d.results(e, "&status=PENDING"))
	require.Equal(t, []string{"c"}, d.results(e, "&status=pending"))
	require.Equal(t, []string{"e", "f", "g"}, d.results(e, "&status=Permanently_Failed"))
	require.Equal(t, []string{"a", "b", "g"}, d.results(e, "&error_code=busy"))
	require.Equal(t, []string{"g"}, d.results(e, "&error_code=busy&status=PERMANENTLY_FAILED"))
	require.Empty(t, d.results(e, "&member_id=zz"))
	require.Empty(t, d.results(e, "&member_id=%20"))
	for _, spelling := range []string{
		"회원 1", " 회원 1", "회원 1\u3000", norm.NFD.String("회원 1"),
		norm.NFD.String(strings.Repeat("회", 50)),
	} {
		want := []string{"회원 1"}
		if len(spelling) > 100 {
			want = nil // as long as an id may be
		}
		require.Equal(t, want, d.results(e, "&member_id="+url.QueryEscape(spelling)), "%q", spelling)
	}

	gone := desktest.Decoded[api.Results](d.Get(desktest.EventURL(e.ID) + "/results?member_id=e")).Items[0]
	require.NotZero(t, gone.UpdatedAt)
	code, why := "withdrawn", "closed in 2025"
	require.Equal(t, api.Result{
		MemberID: "e", Amount: 5, Status: "PERMANENTLY_FAILED", ErrorCode: &code,
		ErrorMessage: &why,
		RetryCount:   4, UpdatedAt: gone.UpdatedAt,
	}, gone)
	given := desktest.Decoded[api.Results](d.Get(desktest.EventURL(e.ID) + "/results?member_id=%ED%9A%8C%EC%9B%90%201")).Items[0]
	require.Nil(t, given.ErrorCode)
	require.Equal(t, "tx-1", *given.MoneyTxID)
}

// A member without a result is told which of the ways it came to none, whatever stands around its id in a rejected row.
func TestResultsAbsent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	unlisted := d.PointEvent("unlisted")
	e := d.PointEvent("a")
	const csv = "member_id,amount,reason\nm1,5,\nm10,x,\n\"b 2 \",x,\nm1,6,\n1.23457E+11,5,\na.c,x,m77\n회원 " +
		"3,x,\nm4,5,\n"
	require.Equal(t, 201, d.Post(desktest.EventURL(e.ID)+"/targets", csv, "Content-Type: text/csv").StatusCode)
	const lines = `{"member_id": "j5", "amount": "x"}` + "\n" + `{"amount":"x","member_id":"j6"}` + "\n" +
		`{"member_id": "m5", "amount": 5}`
	require.Equal(t, 201, d.Post(desktest.EventURL(e.ID)+"/targets", lines, "Content-Type: application/x-ndjson").StatusCode)
	absent := func(e api.Event, query string) (code string, line int64) {
		a := d.Get(desktest.EventURL(e.ID) + "/results?" + query)
		require.Equal(t, 200, a.StatusCode, a.Text)
		page := desktest.Decoded[api.Results](a)
		if page.Absent == nil {
			return "", 0
		}
		if page.Absent.Line != nil {
			line = *page.Absent.Line
		}
		require.Equal(t, page.Absent.ImportID != nil, line != 0)
		return page.Absent.Code, line
	}
	for member, want := range map[string]struct {
		code string
		line int64
	}{
		"m1":                    {"not_started", 0}, // its second row was rejected, its first one was not
		" m5":                   {"not_started", 0},
		"m10":                   {"row_rejected", 3},
		"b 2":                   {"row_rejected", 4},
		"1.23457E+11":           {"row_rejected", 6},
		"1923457E+11":           {"not_in_list", 0},
		"a.c":                   {"row_rejected", 7},
		"abc":                   {"not_in_list", 0},
		"회원 3":                  {"row_rejected", 8},
		norm.NFD.String("회원 3"): {"row_rejected", 8},
		"j5":                    {"row_rejected", 1},
		"j6":                    {"row_rejected", 2},
		"j":                     {"not_in_list", 0},
		"(":                     {"not_in_list", 0},
		`\`:                     {"not_in_list", 0},
		" ":                     {"not_in_list", 0},
	} {
		code, line := absent(e, "member_id="+url.QueryEscape(member))
		require.Equal(t, want.code, code, "%q", member)
		require.Equal(t, want.line, line, "%q", member)
	}
	code, _ := absent(unlisted, "member_id=m1")
	require.Equal(t, "not_in_list", code)

	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, e.ID)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, money_tx_id) VALUES ($1, 5, 'm1', 'SUCCESS', 'tx-1')`, e.ID)
	for query, want := range map[string]string{
		"member_id=m1":                "",
		"member_id=m1&status=PENDING": "other_result",
		"member_id=m4":                "not_asked",
		"status=PENDING":              "",
	} {
		code, _ := absent(e, query)
		require.Equal(t, want, code, query)
	}
}

func TestResultsRefuse(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	d.Get("/api/v1/events/77/results").Refused(404, "not_found")
	foreign := web.EventCursor.Write(7)
	for _, query := range []string{
		"?status=LOST", "?limit=0", "?limit=1001", "?member_id=%00", "?member_id=%ff",
		"?error_code=%0a", "?cursor=x",
		"?cursor=" + foreign, "?cursor=" + web.ResultCursor.WriteText("a\x00"),
		"?cursor=" + web.ResultCursor.WriteText(""), "?member=a",
	} {
		d.Get(desktest.EventURL(e.ID)+"/results"+query).Refused(400, api.BadRequest)
	}
}
