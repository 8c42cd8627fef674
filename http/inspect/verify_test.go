package inspect_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"bestow/app/verify"
	"bestow/http/api"
	"bestow/internal/desktest"
	"bestow/internal/pg"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const readVerifyJobs = `SELECT count(*) FROM river.river_job WHERE kind = 'verify'`

func reportURL(id int64) string { return desktest.EventURL(id) + "/verify" }

// endVerifications ends all verify jobs as River does when they are worked.
func (d *desk) endVerifications() {
	d.Helper()
	d.SQL(`UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE kind = 'verify'`)
}

// A report is asked for with a POST, is made by a job, and is then shown byte for byte as it was made, so that its
// sha256 can be counted again without a program of ours.
func TestVerifyOverHTTP(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	require.Contains(t, d.Get(reportURL(e.ID)).Refused(404, "no_report").Hint, "POST /events/1/verify")

	a := d.Post(reportURL(e.ID), "")
	require.Equal(t, 202, a.StatusCode, a.Text)
	require.Equal(t, "/api/v1/events/1/verify", a.Header.Get("Location"))
	v := desktest.Decoded[api.Verification](a)
	require.WithinDuration(t, time.Now(), v.AskedAt, time.Minute)
	require.Equal(t, api.Verification{EventID: e.ID, State: api.VerifyWaiting, By: "admin", AskedAt: v.AskedAt}, v)
	require.Equal(t, 1,
		d.Count(readVerifyJobs+
			` AND queue = 'jobs' AND max_attempts > 30000 AND args = '{"event_id": 1}' AND metadata->>'by' = 'admin'`))
	require.Contains(t, d.Get(reportURL(e.ID)).Refused(404, "report_under_way").Detail, "was asked for at 20")

	d.SQL(`UPDATE river.river_job SET state = 'running', attempted_at = now() WHERE kind = 'verify'`)
	require.Contains(t, d.Get(reportURL(e.ID)).Refused(404, "report_under_way").Detail, "is being made since 20")
	next := desktest.Decoded[api.Verification](d.Post(reportURL(e.ID), ""))
	require.Equal(t, api.VerifyWaiting, next.State, "another one, of what is so now")
	require.False(t, next.AskedAt.Before(v.AskedAt))

	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "<admin>"))
	marked := d.Get(reportURL(e.ID))
	require.Equal(t, 200, marked.StatusCode, marked.Text)
	running := *desktest.Decoded[struct {
		UnderWay *api.Verification `json:"under_way"`
	}](marked).UnderWay
	require.Equal(t, api.VerifyRunning, running.State)
	require.WithinDuration(t, time.Now(), *running.Since, time.Minute)
	require.True(t, desktest.Decoded[verify.Report](marked).OK, marked.Text)

	d.endVerifications()
	a = d.Get(reportURL(e.ID))
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.Empty(t, a.Header.Get("Report-Stale"))
	r := desktest.Decoded[verify.Report](a)
	require.Equal(t, "<admin>", r.By)
	require.Equal(t, e.ID, *r.EventID)
	require.Equal(t, 1, r.Events)
	require.True(t, r.OK)
	require.NotEmpty(t, r.Invariants)
	head, ours := strings.CutSuffix(a.Text, `"`+r.SHA256+`"}`)
	require.True(t, ours, a.Text)
	sum := sha256.Sum256([]byte(head + `""}`))
	require.Equal(t, r.SHA256, hex.EncodeToString(sum[:]))
}

// A report says what one event has granted, why others were given up, and from which files its members came; its answer
// says when the event has changed since, and stays byte for byte what was made.
func TestVerifyOfOneEvent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	report := func() (verify.Report, string, string) {
		d.Helper()
		a := d.Get(reportURL(e.ID))
		require.Equal(t, 200, a.StatusCode, a.Text)
		return desktest.Decoded[verify.Report](a), a.Text, a.Header.Get("Report-Stale")
	}
	d.Plant(e.ID)
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "admin"))
	r, text, stale := report()
	require.Empty(t, stale)
	var want verify.Sums
	require.NoError(t, d.Pool.QueryRow(t.Context(), `SELECT (SELECT coalesce(sum(amount), 0) FROM point_targets),
		coalesce(sum(amount) FILTER (WHERE status = 'SUCCESS'), 0), coalesce(sum(amount) FILTER (WHERE status = 'PERMANENTLY_FAILED'), 0)
		FROM point_results`).Scan(&want.Targets, &want.Success, &want.Fail))
	require.Positive(t, want.Success)
	require.Positive(t, want.Fail)
	require.NotNil(t, r.Amounts.Ledger)
	r.Amounts.Ledger = nil
	require.Equal(t, want, *r.Amounts)
	require.Positive(t, r.DurationMS)
	require.Equal(t, []verify.GivenUp{
		{ErrorCode: "withdrawn", Count: 2, Amount: 10}, {ErrorCode: "busy", Count: 1, Amount: 5},
	}, r.Reasons)
	require.Len(t, r.Lists, 1)
	r.Lists[0].At = time.Time{}
	require.Equal(t, verify.ImportedList{ImportID: 77, By: "t", Accepted: 1000, Amount: 5000}, r.Lists[0])

	d.SQL(`UPDATE campaign_events SET updated_at = clock_timestamp()`)
	_, again, stale := report()
	require.Equal(t, "true", stale)
	require.Equal(t, text, again)
}

// A key gets its first answer again, whatever came of it since; another event's is another request.
func TestVerifyOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.PointEvent("a")
	d.PointEvent("b")
	first := d.Post(reportURL(1), "", "Idempotency-Key: k")
	require.Equal(t, 202, first.StatusCode, first.Text)
	require.Empty(t, first.Header.Get("Idempotency-Replayed"))
	d.endVerifications()
	again := d.Post(reportURL(1), "", "Idempotency-Key: k")
	require.Equal(t, 202, again.StatusCode, again.Text)
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, first.Text, again.Text)
	require.Equal(t, 1, d.Count(readVerifyJobs))
	d.Post(reportURL(2), "", "Idempotency-Key: k").Refused(422, "key_reused")
	require.Equal(t, 202, d.Post(reportURL(1), "").StatusCode)
	require.Equal(t, 2, d.Count(readVerifyJobs), "a person may ask once more")
}

// Any number of requests at once are one job of each event, in whatever state it waits.
func TestVerifyAskedAtOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.PointEvent("a")
	d.PointEvent("b")
	var group errgroup.Group
	for range 8 {
		for id := range int64(2) {
			group.Go(func() error {
				if a := d.Post(reportURL(id+1), ""); a.StatusCode != 202 {
					return fmt.Errorf("%d: %s", a.StatusCode, a.Text)
				}
				return nil
			})
		}
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 2, d.Count(readVerifyJobs))
	require.Equal(t, 2, d.Count(`SELECT count(DISTINCT args) FROM river.river_job WHERE kind = 'verify'`))
	for _, state := range []string{"available", "retryable", "scheduled"} {
		d.SQL(`UPDATE river.river_job SET state = $1, attempted_at = now() WHERE kind = 'verify'`, state)
		require.Equal(t, 202, d.Post(reportURL(1), "").StatusCode)
		require.Equal(t, 2, d.Count(readVerifyJobs), state)
	}
	d.SQL(`UPDATE river.river_job SET state = 'running', attempted_at = now() WHERE kind = 'verify'`)
	for range 2 { // what is being made may have read what was before the question; the next one waits for both
		require.Equal(t, 202, d.Post(reportURL(1), "").StatusCode)
		require.Equal(t, 3, d.Count(readVerifyJobs))
	}
}

// A request waits for one that has not committed its job yet, and finds that job.
func TestVerifyWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, pg.Lock(t.Context(), tx, pg.ReportRequest, e.ID))
	_, err = tx.Exec(t.Context(), `INSERT INTO river.river_job (kind, args, queue, max_attempts, state)
		VALUES ('verify', jsonb_build_object('event_id', $1::bigint), 'jobs', 100, 'available')`, e.ID)
	require.NoError(t, err)
	answered := make(chan answer, 1)
	go func() { answered <- d.Post(reportURL(e.ID), "") }()
	require.Eventually(t, func() bool {
		return d.Count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, 202, (<-answered).StatusCode)
	require.Equal(t, 1, d.Count(readVerifyJobs))
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, id := range []string{"3", "0", "-1", "x", "9223372036854775807", "9223372036854775808"} {
		d.Post("/api/v1/events/"+id+"/verify", "").Refused(404, "not_found")
		d.Get("/api/v1/events/"+id+"/verify").Refused(404, "not_found")
	}
	d.PointEvent("a")
	d.Get(reportURL(1)+"?full=true").Refused(400, api.BadRequest)
	d.Post(reportURL(1)+"?wait=true", "").Refused(400, api.BadRequest)
	d.Post(reportURL(1), "", "Authorization: ").Refused(401, api.Unauthorized)
	d.Get(reportURL(1), "Authorization: ").Refused(401, api.Unauthorized)
	require.Zero(t, d.Count(readVerifyJobs))
}

// A report that is red is kept and shown as well; the last five of each event are kept.
func TestVerifyKeepsFive(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.PointEvent("a")
	d.PointEvent("b")
	makeReport := func(id int64) { require.NoError(t, d.App.Verify.MakeReport(t.Context(), id, "admin")) }
	makeReport(2)
	for range 6 {
		makeReport(1)
	}
	d.SQL(`UPDATE campaign_event_summary SET success_count = 3 WHERE event_id = 1`)
	makeReport(1)
	require.False(t, desktest.Decoded[verify.Report](d.Get(reportURL(1))).OK)
	require.True(t, desktest.Decoded[verify.Report](d.Get(reportURL(2))).OK)
	require.Equal(t, 5, d.Count(`SELECT count(*) FROM verify_reports WHERE event_id = 1`))
	require.Equal(t, 1,
		d.Count(`SELECT count(*) FROM verify_reports WHERE event_id = 1 AND NOT ok AND checked_by = 'admin'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM verify_reports WHERE event_id = 2`))
}

// Reports go with their event; one that is asked for when the event is deleted is not made.
func TestVerifyOfADeletedEvent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "admin"))
	require.Equal(t, 202, d.Post(reportURL(e.ID), "").StatusCode)
	a := d.Do("DELETE", desktest.EventURL(e.ID), "", "If-Match: "+d.Get(desktest.EventURL(e.ID)).Header.Get("ETag"))
	require.Equal(t, 204, a.StatusCode, a.Text)
	require.Zero(t, d.Count(`SELECT count(*) FROM verify_reports`))
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "admin"))
	require.Zero(t, d.Count(`SELECT count(*) FROM verify_reports`))
	d.Get(reportURL(e.ID)).Refused(404, "not_found")
}
