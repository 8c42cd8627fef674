package http

import (
	"fmt"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// A request without the body that its route takes is told what to send, whatever its Content-Type: an operator who
// wants to stop everything has no time to guess.
func TestNoBodyNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	for path, hint := range map[string]string{
		"/api/v1/stop-all":                "send application/json with memo",
		"/api/v1/brake":                   "send application/json with scope and memo",
		"/api/v1/brake/release":           "send application/json with scope and memo",
		desktest.EventURL(e.ID) + "/stop": "send application/json with memo",
		"/api/v1/events":                  "send application/json with campaign_id and event_type",
	} {
		for _, header := range []string{
			"Content-Type: ", "Content-Type: application/json",
			"Content-Type: application/x-www-form-urlencoded",
		} {
			require.Equal(t, hint, d.Post(path, "", header).Refused(400, api.Malformed).Hint, path+" "+header)
		}
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM brakes`))
}

// An import into an event whose expiry has passed is told: the event does not start like this (B15).
func TestImportSaysExpired(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	at := d.Passed(e.ID)
	for i, query := range []string{"?dry_run=true", ""} {
		w := d.List(e.ID, query, fmt.Sprint("m", i)).Warnings
		require.Len(t, w, 1)
		require.Equal(t, "expired", w[0].Code)
		require.True(t, at.Equal(*w[0].At))
	}
	d.SQL(`UPDATE campaign_events SET expiry_at = $2 WHERE id = $1`, e.ID, time.Now().Add(time.Hour))
	require.Empty(t, d.List(e.ID, "", "m2").Warnings)
}

// The same file again says that it is there already, and so does one of which some rows were rejected (N16).
func TestSameFileAgainSaysSo(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	const file = "member_id,amount\nm1,5\nm2,x\n"
	targets := desktest.EventURL(e.ID) + "/targets"
	first := desktest.Decoded[api.ImportResult](d.Post(targets, file, csvType))
	p := d.Post(targets, file, csvType).Refused(422, "all_rejected")
	require.Contains(t, p.Detail, fmt.Sprintf("was imported into this event before, as import %d", *first.ImportID))
	require.Contains(t, p.Hint, fmt.Sprintf("only the rows that import %d rejected", *first.ImportID))
	p = d.Post(targets, "member_id,amount\nm1,5\n", csvType).Refused(422, "all_rejected")
	require.NotContains(t, p.Detail, "before", "another file")
	p = d.Post(desktest.EventURL(d.PointEvent("b").ID)+"/targets", "member_id,amount\nm2,x\n", csvType).Refused(422,
		"all_rejected")
	require.NotContains(t, p.Detail, "before", "another event")
}

// What is downloaded of a list in CP949 is UTF-8 with a byte order mark, by which a spreadsheet reads it, and can be
// corrected and uploaded (N7).
func TestRejectedRowsForASpreadsheet(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	targets := desktest.EventURL(e.ID) + "/targets"
	// "회원번호,금액,사유", then 김철수 with 1000원 and 박지은 with 5
	file := "\xc8\xb8\xbf\xf8\xb9\xf8\xc8\xa3,\xb1\xdd\xbe\xd7\n\xb1\xe8\xc3\xb6\xbc\xf6,1000\xbf\xf8\n\xb9\xda\xc1\xf6\xc0\xba,5\n"
	r := desktest.Decoded[api.ImportResult](d.Post(targets, file, csvType))
	require.Equal(t, 1, r.Rejected)
	require.Contains(t, d.Get(*r.RejectedURL).Text, "\uFEFFline,error_code,reason,raw\n")
	original := d.Get(*r.RejectedURL + "?format=original")
	require.Equal(t, "\uFEFF회원번호,금액\n김철수,1000원\n", original.Text)
	a := d.Post(targets, "\uFEFF회원번호,금액\n김철수,1000\n", csvType)
	require.Equal(t, 201, a.StatusCode, a.Text)
}
