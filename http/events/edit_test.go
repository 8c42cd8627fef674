package events_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/verify"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is given changes, null clears, what is absent stays; the answer's ETag is that of the next edit.
func TestPatchMerges(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Created(`{"campaign_id": "a", "event_type": "POINT", "default_amount": 5, "default_reason": "r", "expiry_at": "2999-01-01T00:00:00Z",
		"partition_count": 8, "reservation_at": "2998-01-01T00:00:00Z", "reservation_priority": 3}`)
	a := d.Patch(e.ID, `{"default_amount": 7, "default_reason": null, "reservation_priority": null}`)
	require.Equal(t, 200, a.StatusCode, a.Text)
	got, want := desktest.Decoded[api.Event](a), e
	amount := int64(7)
	want.DefaultAmount, want.DefaultReason, want.ReservationPriority, want.UpdatedAt = &amount, nil, nil, got.UpdatedAt
	require.Equal(t, want, got)
	require.Equal(t, d.Tag(e.ID), a.Header.Get("ETag"))

	a = d.Do(
		"PATCH", desktest.EventURL(e.ID),
		`{"campaign_id": "b", "event_type": "VOUCHER", "default_amount": null, "expiry_at": null, "partition_count": null, "reservation_at": null}`,
		"If-Match: \"other\", "+a.Header.Get("ETag"), "Content-Type: application/merge-patch+json",
	)
	require.Equal(t, 200, a.StatusCode, a.Text)
	got = desktest.Decoded[api.Event](a)
	want.CampaignID, want.EventType, want.DefaultAmount, want.ExpiryAt, want.PartitionCount, want.ReservationAt = "b",
		"VOUCHER", nil, nil, 4, nil
	want.UpdatedAt, want.Unit = got.UpdatedAt, new("KRW")
	require.Equal(t, want, got)
	d.Post("/api/v1/events", `{"campaign_id": "b", "event_type": "POINT"}`).Refused(409, "campaign_taken")
	d.PointEvent("a") // it is free again
}

// Every change says which state it is of, and one of two that know the same state wins.
func TestPatchNeedsTheTag(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	tag := d.Tag(e.ID)
	patch := func(match string) answer {
		return d.Do("PATCH", desktest.EventURL(e.ID), `{"reservation_priority": 9}`, "If-Match: "+match)
	}
	require.NotEmpty(t, patch("").Refused(428, api.PreconditionRequired).Hint)
	for _, stale := range []string{`"0123456789abcdef"`, "W/" + tag, `""`, tag[1:], "nonsense"} {
		patch(stale).Refused(412, api.PreconditionFailed)
	}
	d.Members(e.ID, 2)
	require.Equal(t, tag, d.Tag(e.ID), "members are not its definition")

	var wg sync.WaitGroup
	codes := make([]int, 8)
	for i := range codes {
		wg.Go(func() {
			codes[i] = d.Do(
				"PATCH", desktest.EventURL(e.ID), fmt.Sprintf(`{"reservation_priority": %d}`, 100+i),
				"If-Match: "+tag,
			).StatusCode
		})
	}
	wg.Wait()
	won := 0
	for _, code := range codes {
		if code == 200 {
			won++
			continue
		}
		require.Equal(t, 412, code)
	}
	require.Equal(t, 1, won)
	d.Do("DELETE", desktest.EventURL(e.ID), "", "If-Match: "+tag).Refused(412, api.PreconditionFailed)

	d.Do("POST", desktest.EventURL(e.ID)+"/start", "", "If-Match: "+d.Tag(e.ID)).
		Refused(400, api.BadRequest) // a condition that the route would not look at

	key := []string{"If-Match: " + d.Tag(e.ID), "Idempotency-Key: k"}
	first := d.Do("PATCH", desktest.EventURL(e.ID), `{"reservation_priority": 1}`, key...)
	again := d.Do("PATCH", desktest.EventURL(e.ID), `{"reservation_priority": 1}`, key...)
	require.Equal(t, 200, again.StatusCode, "whose answer was lost gets it, though the tag is stale by now")
	require.Equal(t, first.Text, again.Text)
}

// What cannot be made cannot be made of something else either, and what targets were made by stays.
func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.Created(`{"campaign_id": "a", "event_type": "POINT", "default_amount": 5, "reservation_at": "2998-01-01T00:00:00Z"}`)
	d.PointEvent("taken")
	full := d.PointEvent("full")
	d.Members(full.ID, 3)
	for name, c := range map[string]struct {
		id     int64
		body   string
		status int
		code   string
		fields []string
	}{
		"campaign null":         {e.ID, `{"campaign_id": null}`, 422, "invalid", []string{"body.campaign_id"}},
		"type null":             {e.ID, `{"event_type": null}`, 422, "invalid", []string{"body.event_type"}},
		"amounts and types":     {e.ID, `{"default_amount": "5", "event_type": "X"}`, 422, "invalid", []string{"body.default_amount", "body.event_type"}},
		"expiry before it runs": {e.ID, `{"expiry_at": "2997-01-01T00:00:00Z"}`, 422, "invalid", []string{"body.expiry_at"}},
		"half a second":         {e.ID, `{"reservation_at": "2998-01-01T00:00:00.5Z"}`, 422, "invalid", []string{"body.reservation_at"}},
		"partitions 65":         {e.ID, `{"partition_count": 65}`, 422, "invalid", []string{"body.partition_count"}},
		"campaign taken":        {e.ID, `{"campaign_id": "taken"}`, 409, "campaign_taken", nil},
		"status":                {e.ID, `{"event_status": "RUNNING"}`, 400, api.Malformed, []string{"body.event_status"}},
		"no patch":              {e.ID, `[]`, 400, api.Malformed, nil},
		"null":                  {e.ID, `null`, 400, api.Malformed, nil},
		"partitions of targets": {full.ID, `{"partition_count": 8, "event_type": "VOUCHER"}`, 422, "invalid", []string{"body.partition_count", "body.event_type"}},
		"a longer reason":       {full.ID, `{"default_reason": "` + strings.Repeat("긴", 400) + `"}`, 422, "invalid", []string{"body.default_reason"}},
		"years in UTC":          {e.ID, `{"reservation_at": "0001-01-01T00:00:00+09:00", "expiry_at": "9999-12-31T23:59:59-09:00"}`, 422, "invalid", []string{"body.reservation_at", "body.expiry_at"}},
		"partitions null":       {full.ID, `{"partition_count": null}`, 200, "", nil},
		"the same partitions":   {full.ID, `{"partition_count": 4, "event_type": "POINT"}`, 200, "", nil},
		"nobody's event":        {99, `{}`, 404, "not_found", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := d.in(t).Do("PATCH", desktest.EventURL(c.id), c.body, "If-Match: *")
			if c.status == 200 {
				require.Equal(t, 200, a.StatusCode, a.Text)
				return
			}
			require.Equal(t, c.fields, desktest.Locations(a.Refused(c.status, c.code)), a.Text)
		})
	}
}

// While an upload is read, what its rows are made by stays; the rest may change.
func TestPatchDuringAnImport(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1::bigint << 3 | 1)`, e.ID)
	require.NoError(t, err)
	for _, body := range []string{
		`{"partition_count": 5}`, `{"event_type": "VOUCHER"}`, `{"default_amount": null}`,
		`{"default_reason": "x"}`,
	} {
		d.Patch(e.ID, body).Refused(409, "import_running")
	}
	require.Equal(t, 200, d.Patch(e.ID, `{"reservation_priority": 1, "default_amount": 500}`).StatusCode)
	d.Do("DELETE", desktest.EventURL(e.ID), "").Refused(409, "import_running")
}

// everything counts the rows of every table that an event may leave something in, and names the tables.
func (d *desk) everything() map[string]int {
	d.Helper()
	rows, err := d.Pool.Query(d.Context(),
		`SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname IN ('public', 'money') AND tablename NOT IN ('idempotency_keys', 'audit_log') OR tablename = 'river_job'`)
	require.NoError(d, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(d, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(d, rows.Err())
	counts := map[string]int{}
	for _, name := range tables {
		counts[name] = d.Count(`SELECT count(*) FROM ` + name)
	}
	return counts
}

// Of a deleted event nothing is left but what people did with it, in the default partition or in its own, and its campaign is free.
func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]int{"in the default partition": 1000, "in a partition of its own": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			limits := app.DefaultLimits()
			limits.OwnPartition = own
			d.Server = d.Serve(desktest.NewAppWith(t, d.Pool, desktest.NoSealer{}, limits))
			other := d.PointEvent("other")
			d.Members(other.ID, 5)
			before := d.everything()
			e := d.PointEvent("a")
			d.Members(e.ID, 300)
			a := d.Post(desktest.EventURL(e.ID)+"/targets", "member_id,amount\nm999,5\nm998,x\n", "Content-Type: text/csv")
			require.Equal(t, 201, a.StatusCode, a.Text)
			require.NotEqual(t, before, d.everything())
			a = d.Do("DELETE", desktest.EventURL(e.ID), "", "Idempotency-Key: k")
			require.Equal(t, 204, a.StatusCode, a.Text)
			require.Empty(t, a.Text)
			before["public.deleted_events"]++
			// a partition that autovacuum reads goes at the next tidying
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				require.NoError(c, d.App.Events.Tidy(t.Context()))
				require.Equal(c, before, d.everything())
			}, time.Minute, 20*time.Millisecond)
			a = d.Do("DELETE", desktest.EventURL(e.ID), "", "Idempotency-Key: k")
			require.Equal(t, 204, a.StatusCode)
			require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
			d.Do("DELETE", desktest.EventURL(e.ID), "").Refused(404, "not_found")
			d.Get(desktest.EventURL(e.ID)).Refused(404, "not_found")
			d.Post(desktest.EventURL(e.ID)+"/start", "").Refused(404, "not_found")
			d.PointEvent("a")
			report, err := d.App.Verify.Verify(t.Context(), verify.Query{})
			require.NoError(t, err)
			require.True(t, report.OK, "%+v", report.Invariants)
		})
	}
}

// A partition that somebody reads is left, empty, to the next time.
func TestDeleteDoesNotWaitForAPartition(t *testing.T) {
	t.Parallel()
	d := setup(t)
	limits := app.DefaultLimits()
	limits.OwnPartition = 10
	d.Server = d.Serve(desktest.NewAppWith(t, d.Pool, desktest.NoSealer{}, limits))
	e := d.PointEvent("a")
	d.Members(e.ID, 20)
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT count(*) FROM point_targets`)
	require.NoError(t, err)
	require.Equal(t, 204, d.Do("DELETE", desktest.EventURL(e.ID), "").StatusCode)
	table := fmt.Sprintf(`SELECT count(*) FROM pg_tables WHERE tablename = 'point_targets_%d'`, e.ID)
	require.Equal(t, 1, d.Count(table))
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, d.App.Events.Tidy(t.Context()))
	require.Zero(t, d.Count(table))
	kept := d.PointEvent("b")
	d.Members(kept.ID, 20)
	require.NoError(t, d.App.Events.Tidy(t.Context()))
	require.Equal(t, 20, d.Count(fmt.Sprintf(`SELECT count(*) FROM point_targets_%d`, kept.ID)))
}
