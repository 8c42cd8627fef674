package events_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

func TestCreateAndShow(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.Post("/api/v1/events",
		`{"campaign_id": "spring", "event_type": "VOUCHER", "default_reason": "봄", "default_amount": 9007199254740993,
		"expiry_at": "2999-12-31T23:59:59.123456+09:00", "partition_count": 64, "reservation_at": "2998-01-01T00:00:00+09:00", "reservation_priority": -3}`)
	require.Equal(t, http.StatusCreated, a.StatusCode, a.Text)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	e := desktest.Decoded[api.Event](a)
	require.Equal(t, fmt.Sprintf("/api/v1/events/%d", e.ID), a.Header.Get("Location"))
	require.Equal(t, "admin", e.CreatedBy)
	require.Equal(t, int64(9007199254740993), *e.DefaultAmount, "no digit is lost")
	require.Equal(t, "2999-12-31T14:59:59.123456Z", e.ExpiryAt.Format("2006-01-02T15:04:05.999999Z07:00"))
	require.Equal(t, -3, *e.ReservationPriority)
	require.Contains(t, a.Text, `"failure_code":null`)
	require.Contains(t, a.Text, `"stopped_memo":null`)

	shown := d.Get(desktest.EventURL(e.ID))
	require.Equal(t, http.StatusOK, shown.StatusCode)
	now := desktest.Decoded[api.Event](shown)
	require.NotEmpty(t, now.WaitingFor)
	now.WaitingFor = nil
	require.Equal(t, e, now)
	require.Regexp(t, `^"[0-9a-f]{16}"$`, shown.Header.Get("ETag"))
	require.Equal(t, a.Header.Get("ETag"), shown.Header.Get("ETag"))
}

// The least that can be said, and null, which says nothing.
func TestCreateDefaults(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for i, body := range []string{
		`{"campaign_id": "a", "event_type": "POINT"}`,
		`{"campaign_id": "b", "event_type": "POINT", "default_amount": null, "default_reason": null, "expiry_at": null, "partition_count": null, "reservation_at": null}`,
		`{"campaign_id": "c", "event_type": "POINT", "default_reason": ""}`,
	} {
		e := d.Created(body)
		require.Equal(t, 4, e.PartitionCount, i)
		require.Equal(t, "PENDING", e.EventStatus)
		require.Nil(t, e.DefaultAmount)
		require.Nil(t, e.DefaultReason)
		require.Nil(t, e.ExpiryAt)
	}
}

// The ETag is the definition's: it stays while counters move, and two events have two.
func TestETag(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e, other := d.PointEvent("a"), d.PointEvent("b")
	before := d.Get(desktest.EventURL(e.ID)).Header.Get("ETag")
	require.NotEqual(t, before, d.Get(desktest.EventURL(other.ID)).Header.Get("ETag"))
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING', total_count = 9, total_amount = 9, updated_at = now() + interval '1 h'`)
	d.SQL(`UPDATE campaign_event_summary SET success_count = 9, started_at = now()`)
	require.Equal(t, before, d.Get(desktest.EventURL(e.ID)).Header.Get("ETag"))
	d.SQL(`UPDATE campaign_events SET default_amount = 501`)
	require.NotEqual(t, before, d.Get(desktest.EventURL(e.ID)).Header.Get("ETag"))
}

func TestCampaignTaken(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	p := d.Post("/api/v1/events", `{"campaign_id": "spring", "event_type": "POINT"}`).Refused(409, "campaign_taken")
	require.Equal(t, e.ID, p.EventID)
	require.Contains(t, p.Detail, fmt.Sprint(e.ID))
	d.PointEvent("Spring") // another one
}

// Of many who make the same campaign's event at once one does, and the others are told which it is.
func TestCampaignRace(t *testing.T) {
	t.Parallel()
	d := setup(t)
	answers := make([]answer, 12)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = d.Post("/api/v1/events", `{"campaign_id": "spring", "event_type": "POINT"}`) })
	}
	all.Wait()
	made := map[int]int{}
	for _, a := range answers {
		if made[a.StatusCode]++; a.StatusCode != http.StatusCreated {
			require.Positive(t, a.Refused(409, "campaign_taken").EventID)
		}
	}
	require.Equal(t, map[int]int{201: 1, 409: 11}, made)
}

func TestVoucherWithoutMasterKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.Serve(desktest.NewApp(t, d.Pool, nil))
	p := d.DoAt(s, "POST", "/api/v1/events", `{"campaign_id": "v", "event_type": "VOUCHER"}`).Refused(409,
		"missing_keys")
	require.Contains(t, p.Hint, "BESTOW_MASTER_KEY")
	require.Equal(t, 201,
		d.DoAt(s, "POST", "/api/v1/events", `{"campaign_id": "p", "event_type": "POINT"}`).StatusCode)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	key := "Idempotency-Key: k"
	first := d.Post("/api/v1/events",
		`{"campaign_id": "a", "event_type": "POINT", "default_amount": 9007199254740993}`, key)
	require.Equal(t, 201, first.StatusCode)
	require.Empty(t, first.Header.Get("Idempotency-Replayed"))
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)

	again := d.Post("/api/v1/events",
		` {"default_amount":9007199254740993,"event_type":"PO\u0049NT","campaign_id":"a"}`, key)
	require.Equal(t, 201, again.StatusCode, "the same, said in other words")
	require.Equal(t, first.Text, again.Text, "the stored answer, not the event of now")
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, first.Header.Get("Location"), again.Header.Get("Location"))

	for _, other := range []string{
		`{"campaign_id": "b", "event_type": "POINT", "default_amount": 9007199254740993}`,
		`{"campaign_id": "a", "event_type": "POINT", "default_amount": 9007199254740992}`, // the same float64
		`{"campaign_id": "a", "event_type": "POINT"}`,
	} {
		d.Post("/api/v1/events", other, key).Refused(422, "key_reused")
	}
	d.Post(desktest.EventURL(1)+"/start", "", key).Refused(422, "key_reused")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events`))
}

// A refusal does not burn the key: the request may be mended.
func TestIdempotencyKeyOfARefusal(t *testing.T) {
	t.Parallel()
	d := setup(t)
	key := "Idempotency-Key: k"
	d.Post("/api/v1/events", `{"campaign_id": "", "event_type": "POINT"}`, key).Refused(422, "invalid")
	require.Equal(t, 201, d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "POINT"}`, key).StatusCode)
}

// Of many with one key at once one works, and the others are told to wait, or get its answer.
func TestIdempotencyKeyInFlight(t *testing.T) {
	t.Parallel()
	d := setup(t)
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('admin' || chr(31) || 'k', 0))`)
	require.NoError(t, err)
	body := `{"campaign_id": "a", "event_type": "POINT"}`
	d.Post("/api/v1/events", body, "Idempotency-Key: k").Refused(409, "key_in_flight")
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, 201, d.Post("/api/v1/events", body, "Idempotency-Key: k").StatusCode)
}

func TestListPages(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for i := range 7 {
		d.PointEvent(fmt.Sprintf("p%d", i))
	}
	d.Created(`{"campaign_id": "v", "event_type": "VOUCHER"}`)
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE campaign_id IN ('p1', 'p3')`)

	var seen []string
	pages := 0
	for path := "/api/v1/events?limit=3"; path != ""; pages++ {
		page := desktest.Decoded[api.Events](d.Get(path))
		for _, e := range page.Items {
			seen = append(seen, e.CampaignID)
		}
		d.PointEvent(fmt.Sprintf("new%d", pages)) // it moves no page
		if path = ""; page.NextCursor != nil {
			path = "/api/v1/events?limit=3&cursor=" + *page.NextCursor
		}
	}
	require.Equal(t, "v p6 p5 p4 p3 p2 p1 p0", strings.Join(seen, " "))
	require.Equal(t, 3, pages)

	campaigns := func(query string) string {
		var all []string
		for _, e := range desktest.Decoded[api.Events](d.Get("/api/v1/events?" + query)).Items {
			all = append(all, e.CampaignID)
		}
		return strings.Join(all, " ")
	}
	require.Equal(t, "p3 p1", campaigns("event_status=RUNNING"))
	require.Equal(t, "p3 p1", campaigns("event_status=running"))
	require.Equal(t, "v", campaigns("event_type=VOUCHER"))
	require.Equal(t, "p5", campaigns("campaign_id=p5"))
	require.Empty(t, campaigns("campaign_id=p5&event_status=RUNNING"))
	require.Empty(t, campaigns("event_type=LATER"))
	none := d.Get("/api/v1/events?campaign_id=x")
	require.JSONEq(t, `{"items": [], "next_cursor": null}`, none.Text)
}

// In the wrong status: where the event stands, and what may be asked of it.
func TestStartInWrongStatus(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	for status, allowed := range map[string][]string{"COMPLETED": {}, "STOPPED": {"resume"}, "FAILED": {"resume"}} {
		d.SQL(`UPDATE campaign_events SET event_status = $1`, status)
		a := d.Post(desktest.EventURL(e.ID)+"/start", "")
		p := a.Refused(409, "wrong_status")
		require.Equal(t, status, p.Current)
		require.Equal(t, allowed, p.Allowed, a.Text)
		require.Contains(t, a.Text, `"allowed":[`)
	}
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	a := d.Post(desktest.EventURL(e.ID)+"/start", "")
	require.Equal(t, 200, a.StatusCode, "the same move again")
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](a).EventStatus)
}
