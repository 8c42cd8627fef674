package inspect_test

import (
	"net/url"
	"slices"
	"testing"

	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

func codes(t api.Trace) (list []string) {
	for _, s := range t.Timeline {
		list = append(list, s.Code)
	}
	return list
}

func memberURL(event int64, member string) string {
	return desktest.EventURL(event) + "/members/" + url.PathEscape(member)
}

// Why a member got it, or did not: the list, the chunk, the job, the message, the ledger's answer, and what people did
// with the event, in the order of time.
func TestTrace(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	a := d.Post(desktest.EventURL(e.ID)+"/targets", "member_id,amount,reason\n김/영희 1,500,봄\nm2,700,\nm3,x,\n", "Content-Type: text/csv")
	require.Equal(t, 201, a.StatusCode, a.Text)
	trace := desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "김/영희 1")))
	require.Equal(t, []string{"imported"}, codes(trace))
	require.Equal(t, "not_started", trace.Absent.Code)
	require.Equal(t, int64(500), trace.Target.Amount)
	require.Equal(t, "봄", *trace.Target.Reason)
	require.Equal(t, "pending", trace.Job.State)
	require.Nil(t, trace.Message)

	require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/start", "").StatusCode)
	require.Equal(t, 200, d.Post(desktest.EventURL(e.ID)+"/stop", `{"memo": "wait"}`).StatusCode)
	require.Equal(t, 202, d.Post(desktest.EventURL(e.ID)+"/resume", "").StatusCode)
	d.SQL(`UPDATE grant_chunks SET published_at = clock_timestamp(), claimed_at = clock_timestamp() + interval '1 ms', topic = 'grants.point',
		kafka_partition = 3, kafka_offset = 7`)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id, retry_count, updated_at)
		VALUES ($1, '김/영희 1', 500, 'SUCCESS', 'P12', 2, now() + interval '1 hour')`, e.ID)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, error_message, retry_count, updated_at)
		VALUES ($1, 'm2', 700, 'PERMANENTLY_FAILED', 'member_withdrawn', 'has left', 1, now() + interval '1 hour')`, e.ID)
	trace = desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, " 김/영희 1 ")))
	require.Equal(t, []string{"imported", "started", "stopped", "resumed", "published", "claimed", "granted"}, codes(trace))
	require.Nil(t, trace.Absent)
	require.Equal(t, "P12", *trace.Result.MoneyTxID)
	d.SQL(`UPDATE grant_chunks SET published_at = claimed_at + interval '5 ms'`) // the mark of the relay comes later
	again := desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "김/영희 1")))
	require.Equal(t, codes(trace), codes(again))
	d.SQL(`UPDATE grant_chunks SET published_at = claimed_at + interval '5 s'`)
	again = desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "김/영희 1")))
	require.Equal(t, []string{"claimed", "published", "granted"}, codes(again)[4:])
	require.Contains(t, again.Timeline[5].Text, "Kafka has the message again")
	require.Equal(t, api.TracedMessage{Topic: "grants.point", Partition: 3, Offset: 7}, *trace.Message)
	require.Contains(t, trace.Timeline[2].Text, "stopped by admin: wait")
	require.Contains(t, trace.Timeline[6].Text, "entry P12, after it had refused 2 times")

	trace = desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "m2")))
	require.Equal(t, "given_up", codes(trace)[6])
	require.Contains(t, trace.Timeline[6].Text, "member_withdrawn has left")
	trace = desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "m3")))
	require.Equal(t, "row_rejected", trace.Absent.Code)
	require.Nil(t, trace.Target)
	require.Equal(t, "not_in_list", desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "m9"))).Absent.Code)
	d.Get(memberURL(99, "m2")).Refused(404, domain.NotFound)
	d.Get(memberURL(e.ID, "m\x00")).Refused(404, domain.NotFound)
	require.Equal(t, "100%", desktest.Decoded[api.Trace](d.Get(memberURL(e.ID, "100%"))).MemberID)
}

// All events of a member, newest first, page by page, in every type.
func TestMemberships(t *testing.T) {
	t.Parallel()
	d := setup(t)
	var ids []int64
	for _, campaign := range []string{"a", "b", "c"} {
		e := d.PointEvent(campaign)
		ids = append(ids, e.ID)
		a := d.Post(desktest.EventURL(e.ID)+"/targets", "member_id,amount\nm1,5\n", "Content-Type: text/csv")
		require.Equal(t, 201, a.StatusCode, a.Text)
	}
	v := d.Created(`{"campaign_id": "v", "event_type": "VOUCHER"}`)
	a := d.Post(desktest.EventURL(v.ID)+"/targets", "member_id,amount\nm1,5\nm2,6\n", "Content-Type: text/csv")
	require.Equal(t, 201, a.StatusCode, a.Text)
	d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, error_code) VALUES ($1, 'm1', 5, 'FAILED', 'busy')`, ids[2])
	slices.Reverse(ids)
	first := desktest.Decoded[api.Memberships](d.Get("/api/v1/members/m1?limit=2"))
	require.Len(t, first.Items, 2)
	require.Equal(t, v.ID, first.Items[0].EventID)
	require.Nil(t, first.Items[0].Status)
	require.Equal(t, ids[0], first.Items[1].EventID)
	require.Equal(t, "FAILED", *first.Items[1].Status)
	rest := desktest.Decoded[api.Memberships](d.Get("/api/v1/members/m1?cursor=" + *first.NextCursor))
	require.Len(t, rest.Items, 2)
	require.Equal(t, ids[1], rest.Items[0].EventID)
	require.Nil(t, rest.NextCursor)
	require.Empty(t, desktest.Decoded[api.Memberships](d.Get("/api/v1/members/m9")).Items)
}
