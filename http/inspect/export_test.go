package inspect_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"bestow/app/access"
	"bestow/app/command"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// keyOf makes a key of the role, and returns the header that sends it.
func (d *desk) keyOf(role domain.Role) string {
	d.Helper()
	k, err := d.App.Access.Create(d.Context(), command.Caller{Actor: "test"},
		access.NewKey{Name: "a-" + string(role), Role: role})
	require.NoError(d, err)
	return "Authorization: Bearer " + k.Secret
}

// exported makes an event with members whose ids and reasons a spreadsheet would take for formulas.
func (d *desk) exported() api.Event {
	d.Helper()
	e := d.PointEvent("a")
	list := "member_id,amount,reason\n" + "=cmd,1,=HYPERLINK(1)\n" + "m100000002,2,\n" + "m100000003,3,\"a,b\"\n" + "홍길동길동길동,4,＝봄\n"
	a := d.Post(desktest.EventURL(e.ID)+"/targets", list, "Content-Type: text/csv")
	require.Equal(d, 201, a.StatusCode, a.Text)
	return e
}

func rows(t *testing.T, text string) [][]string {
	t.Helper()
	require.True(t, strings.HasPrefix(text, "\uFEFF"), "Excel in Korea reads UTF-8 by it")
	list, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF"))).ReadAll()
	require.NoError(t, err)
	return list
}

// The members of a list by pages, and whole as CSV and NDJSON; formulas are neutralised in CSV alone.
func TestTargets(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.exported()
	url := desktest.EventURL(e.ID) + "/targets"
	first := desktest.Decoded[api.Targets](d.Get(url + "?limit=3"))
	require.Equal(t, []string{"=cmd", "m100000002", "m100000003"}, targetIDs(first))
	require.Equal(t, "=HYPERLINK(1)", *first.Items[0].Reason)
	require.Nil(t, first.Items[1].Reason)
	rest := desktest.Decoded[api.Targets](d.Get(url + "?limit=3&cursor=" + *first.NextCursor))
	require.Equal(t, []string{"홍길동길동길동"}, targetIDs(rest))
	require.Nil(t, rest.NextCursor)
	require.Len(t, desktest.Decoded[api.Targets](d.Get(url+"?member_id=%20m100000003")).Items, 1)
	require.Empty(t, desktest.Decoded[api.Targets](d.Get(url+"?publish_status=published")).Items)
	d.Get(url+"?cursor=abc").Refused(400, api.BadRequest)
	d.Get(desktest.EventURL(99)+"/targets").Refused(404, domain.NotFound)

	a := d.Get(url, "Accept: text/csv", "X-Reason: 감사")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "text/csv; charset=utf-8", a.Header.Get("Content-Type"))
	require.Contains(t, a.Header.Get("Content-Disposition"), "targets-1.csv")
	list := rows(t, a.Text)
	require.Equal(t, []string{"member_id", "amount", "reason", "publish_status", "id", "partition_key"}, list[0])
	require.Equal(t, []string{"'=cmd", "1", "'=HYPERLINK(1)", "PENDING"}, list[1][:4])
	require.Equal(t, "a,b", list[3][2])
	require.Equal(t, "'＝봄", list[4][2])
	require.Len(t, list, 5)
	a = d.Get(url, "Accept: application/x-ndjson")
	lines := strings.Split(strings.TrimSpace(a.Text), "\n")
	require.Len(t, lines, 4)
	var one api.Target
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &one))
	require.Equal(t, "=cmd", one.MemberID, "a program gets what is there")
	d.Get(desktest.EventURL(99)+"/targets", "Accept: text/csv").Refused(404, domain.NotFound)
	page := desktest.Decoded[api.AuditPage](d.Get("/api/v1/audit?action=targets.export"))
	require.Len(t, page.Items, 2)
	require.Equal(t, "감사", *page.Items[1].Reason)
}

func targetIDs(page api.Targets) (ids []string) {
	for _, t := range page.Items {
		ids = append(ids, t.MemberID)
	}
	return ids
}

// Results as a file, narrowed as the page is; of none only the titles.
func TestExportResults(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.exported()
	url := desktest.EventURL(e.ID) + "/results"
	require.Len(t, rows(t, d.Get(url, "Accept: text/csv").Text), 1)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id, error_code, error_message)
		VALUES ($1, '=cmd', 1, 'PERMANENTLY_FAILED', NULL, 'gone', '=1+1'), ($1, 'm100000002', 2, 'SUCCESS', 'P7', NULL, NULL)`, e.ID)
	list := rows(t, d.Get(url, "Accept: text/csv").Text)
	require.Equal(t, []string{"'=cmd", "1", "PERMANENTLY_FAILED", "gone", "'=1+1", "0", ""}, list[1][:7])
	require.Equal(t, []string{"m100000002", "2", "SUCCESS", "", "", "0", "P7"}, list[2][:7])
	require.Len(t, rows(t, d.Get(url+"?status=SUCCESS", "Accept: text/csv").Text), 2)
	require.Equal(t, 1, strings.Count(d.Get(url+"?error_code=gone", "Accept: application/x-ndjson").Text, "\n"))
}

// A viewer sees masked ids, pages that go on by cursors that tell no id, and takes no list away (S11).
func TestViewersSeeMasks(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.exported()
	viewer := d.keyOf(domain.Viewer)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id)
		SELECT event_id, member_id, amount, 'SUCCESS', 'P' || id FROM point_targets WHERE event_id = $1`, e.ID)
	want := []string{"******", "m1******02", "m1******03", "******"}
	for _, what := range []string{"/targets", "/results"} {
		var seen []string
		url := desktest.EventURL(e.ID) + what + "?limit=1"
		for cursor := ""; ; {
			a := d.Get(url+cursor, viewer)
			require.NotContains(t, a.Text, "m10000")
			page := desktest.Decoded[api.Targets](a)
			seen = append(seen, targetIDs(page)...)
			if page.NextCursor == nil {
				break
			}
			require.Less(t, len(seen), 9)
			cursor = "&cursor=" + *page.NextCursor
		}
		require.Equal(t, want, seen, what)
		whole := desktest.Decoded[api.Targets](d.Get(url))
		d.Get(url+"&cursor="+*whole.NextCursor, viewer).Refused(400, api.BadRequest)
		d.Get(url, viewer, "Accept: text/csv").Refused(403, api.Forbidden)
	}
	trace := desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "m100000002"), viewer))
	require.Equal(t, "granted", trace.Timeline[len(trace.Timeline)-1].Code, "a viewer who knows an id may ask for it")
}
