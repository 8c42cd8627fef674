package http

import (
	"fmt"
	"testing"

	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// An event has a name that people give it: it is made with the event, changed, cleared and found.
func TestEventsHaveNames(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Created(`{"campaign_id": "spring-1", "event_type": "POINT", "name": "봄맞이 리뷰"}`)
	require.Equal(t, "봄맞이 리뷰", *e.Name)
	other := d.PointEvent("autumn")
	require.Nil(t, other.Name)
	before := d.Tag(other.ID)
	require.Equal(t, 200, d.Patch(other.ID, `{"name": "Thanks"}`).StatusCode)
	require.NotEqual(t, before, d.Tag(other.ID), "the name is a part of the definition")
	for query, ids := range map[string][]int64{
		"q=thanks": {other.ID}, "q=SPRING": {e.ID}, "q=%EB%A6%AC%EB%B7%B0": {e.ID}, "q=none": {},
		"created_by=admin": {other.ID, e.ID}, "created_by=kim": {},
		"has_failures=true": {}, "has_failures=FALSE": {other.ID, e.ID},
		"event_status=RUNNING,pending": {other.ID, e.ID}, "event_status=running,COMPLETED": {},
	} {
		a := d.Get("/api/v1/events?" + query)
		require.Equal(t, 200, a.StatusCode, "%s: %s", query, a.Text)
		found := []int64{}
		for _, e := range desktest.Decoded[api.Events](a).Items {
			found = append(found, e.ID)
		}
		require.Equal(t, ids, found, query)
	}
	for _, query := range []string{
		"event_status=RUNNING,x", "event_status=,", "has_failures=1", "q=%00", "created_by=", "q=%ff",
	} {
		d.Get("/api/v1/events?"+query).Refused(400, "bad_request")
	}
	require.Equal(t, 200, d.Patch(other.ID, `{"name": null}`).StatusCode)
	require.Nil(t, desktest.Decoded[api.Event](d.Get(desktest.EventURL(other.ID))).Name)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'event.edit'
		AND before->>'name' IS NULL AND after->>'name' = 'Thanks'`))
}

// An import shows what its pass found; to a viewer, who may not see members, without rows.
func TestAnImportShowsItsFacts(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	a := d.Post(desktest.EventURL(e.ID)+"/targets?file_name=%EB%AA%85%EB%8B%A8.csv",
		"member_id,amount\nm1,1000\nm2,1000\nm3,500\nm1,7\nm4,x\n", "Content-Type: application/vnd.ms-excel")
	require.Equal(t, 201, a.StatusCode, a.Text)
	path := fmt.Sprintf("%s/imports/%d", desktest.EventURL(e.ID), *desktest.Decoded[api.ImportResult](a).ImportID)
	i := desktest.Decoded[api.ImportDetails](d.Get(path))
	require.Equal(t, "명단.csv", *i.FileName)
	require.Equal(t, "text/csv", i.ContentType)
	p := i.Preflight
	require.Equal(t, 5, p.Rows)
	require.Equal(t, 1, p.Duplicates)
	require.EqualValues(t, 2500, p.Amounts.Sum)
	require.EqualValues(t, 833, p.Amounts.Mean)
	require.Equal(t, 2, *p.Amounts.Distinct)
	require.Equal(t, []api.AmountRows{{Amount: 1000, Rows: 2}, {Amount: 500, Rows: 1}}, p.Amounts.Commonest)
	require.Equal(t, []api.Bucket{{From: 256, To: 511, Rows: 1}, {From: 512, To: 1023, Rows: 2}}, p.Amounts.Histogram)
	require.Equal(t, domain.BadAmount, p.RejectedByCode[0].ErrorCode)
	require.Equal(t, "m4,x", p.RejectedByCode[0].Samples[0].Raw)
	require.EqualValues(t, 2, *p.RejectedByCode[1].Samples[0].FirstLine)

	seen := desktest.Decoded[api.ImportDetails](d.Get(path, d.keyOf(domain.Viewer)))
	require.Empty(t, seen.Preflight.RejectedByCode[0].Samples)
	require.Empty(t, seen.Preflight.Warnings)
	require.Equal(t, 1, seen.Preflight.RejectedByCode[0].Rows)

	other := d.PointEvent("autumn")
	same := d.Post(desktest.EventURL(other.ID)+"/targets", "member_id,amount\nm1,1000\nm2,1000\nm3,500\n", "Content-Type: text/csv")
	path2 := fmt.Sprintf("%s/imports/%d", desktest.EventURL(other.ID), *desktest.Decoded[api.ImportResult](same).ImportID)
	warnings := desktest.Decoded[api.ImportDetails](d.Get(path2)).Preflight.Warnings
	require.Equal(t, desktest.Decoded[api.ImportResult](same).Warnings, warnings)
	require.Equal(t, "list_seen", warnings[0].Code)
	require.Equal(t, e.ID, *warnings[0].Event)
	require.Empty(t, desktest.Decoded[api.ImportDetails](d.Get(path2, d.keyOf(domain.Approver))).Preflight.RejectedByCode)

	d.SQL(`DELETE FROM event_facts`)
	require.Nil(t, desktest.Decoded[api.ImportDetails](d.Get(path)).Preflight, "an import of a version before")
	d.Get(desktest.EventURL(e.ID)+"/imports/999").Refused(404, "not_found")
	d.Post(desktest.EventURL(e.ID)+"/targets?file_name=%09a", "member_id,amount\nm9,1\n", "Content-Type: text/csv").
		Refused(400, "bad_request")
}
