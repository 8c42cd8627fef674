package http

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// plant puts rows behind the machine's back: an event in the middle of its work.
func (d *desk) plant(id int64) {
	d.Helper()
	d.sql(`UPDATE campaign_events SET event_status = 'RUNNING', total_count = 1000, total_amount = 5000 WHERE id = $1`,
		id)
	d.sql(`UPDATE campaign_event_summary SET published_count = 900, success_count = 400, fail_count = 3, retry_success_count = 2,
		started_at = now() - interval '1 minute' WHERE event_id = $1`, id)
	d.sql(`INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		VALUES (77, $1, 't', 'text/csv', '', 0, 1000, 0, 5000)`, id)
	d.sql(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, settled_at, open_until)
		VALUES ($1, 0, 1, 300, 300, 300, 77, now() - interval '30 s', NULL), ($1, 0, 301, 400, 100, 100, 77, now(), NULL),
			($1, 1, 401, 500, 100, 40, 77, NULL, now() + interval '10 s'), ($1, 1, 501, 600, 100, 0, 77, NULL, now() - interval '1 s')`, id)
	d.sql(`INSERT INTO point_results (event_id, amount, member_id, status, error_code) VALUES
		($1, 5, 'a', 'FAILED', 'busy'), ($1, 5, 'b', 'FAILED', 'busy'), ($1, 5, 'c', 'PENDING', NULL), ($1, 5, 'd', 'SUCCESS', NULL),
		($1, 5, 'e', 'PERMANENTLY_FAILED', 'withdrawn'), ($1, 5, 'f', 'PERMANENTLY_FAILED', 'withdrawn'), ($1, 5, 'g', 'PERMANENTLY_FAILED', 'busy')`, id)
	for mode, at := range map[string]string{"retry": "2999-01-01", "first": "2998-01-01"} {
		d.sql(`INSERT INTO river.river_job (kind, queue, state, max_attempts, scheduled_at, args)
			VALUES ('relay', 'relay', 'scheduled', 9, $3::timestamptz, jsonb_build_object('event_id', $1::bigint, 'mode', $2::text))`,
			id, mode, at+"T00:00:00Z")
	}
}

// process plants a process with the roles, which was seen a moment ago.
func (d *desk) process(roles ...string) {
	d.Helper()
	d.sql(`INSERT INTO processes (id, roles, version, host, pid, seen_at) VALUES (gen_random_uuid(), $1, 'test', 'here', 1, now() + interval '1 hour')`, roles)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.pointEvent("a")
	fresh := d.get(eventURL(e.ID) + "/progress")
	require.Equal(t, "application/json", fresh.Header.Get("Content-Type"))
	require.Contains(t, fresh.body, `"rate_per_s":0,"eta_s":0,"waiting_for":[{"code":"no_targets",`)
	require.Contains(t, fresh.body, `"failures":{}`)
	d.process("relay", "handler", "jobs")
	d.plant(e.ID)
	a := d.get(eventURL(e.ID) + "/progress")
	p := decoded[api.Progress](a)
	require.Equal(t, "2999-01-01T00:00:00Z", p.NextRetryAt.Format(time.RFC3339))
	p.NextRetryAt = nil
	require.Equal(t, api.Progress{
		EventID: e.ID, EventStatus: "RUNNING", Total: 1000, Published: 900, Success: 400, Fail: 3, RetrySuccess: 2,
		WaitingRetry: 2, Unknown: 1, InFlight: 60, RatePerS: 10, ETAS: 60, WaitingFor: []api.Reason{},
		Failures: map[string]int{"withdrawn": 2, "busy": 1},
	}, p)
	d.sql(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	p = decoded[api.Progress](d.get(eventURL(e.ID) + "/progress"))
	require.Zero(t, p.RatePerS)
	require.Zero(t, p.ETAS)
}

// follow opens a stream; the function reads the next message, and says false at the end of the stream.
func (d *desk) follow(ctx context.Context, id int64) (next func() (api.Progress, bool)) {
	d.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", d.URL+eventURL(id)+"/progress", nil)
	require.NoError(d, err)
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set("Accept", "text/event-stream")
	res, err := d.Client().Do(req)
	require.NoError(d, err)
	d.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(d, http.StatusOK, res.StatusCode)
	require.Equal(d, "text/event-stream", res.Header.Get("Content-Type"))
	lines := bufio.NewScanner(res.Body)
	return func() (p api.Progress, ok bool) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				require.NoError(d, json.Unmarshal([]byte(data), &p))
				return p, true
			}
			require.Empty(d, lines.Text())
		}
		return p, false
	}
}

// A stream says where the event stands, follows it, and ends when nothing of it moves any more.
func TestProgressStream(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.pointEvent("a")
	next := d.follow(t.Context(), e.ID)
	p, ok := next()
	require.True(t, ok)
	require.Equal(t, "PENDING", p.EventStatus)
	_, ok = next()
	require.False(t, ok, "nothing moves")

	d.plant(e.ID)
	next = d.follow(t.Context(), e.ID)
	p, ok = next()
	require.True(t, ok)
	require.Equal(t, 400, p.Success)
	d.sql(`UPDATE campaign_event_summary SET success_count = 997`)
	d.sql(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	p, ok = next()
	require.True(t, ok)
	require.Equal(t, "STOPPED", p.EventStatus)
	require.Equal(t, 997, p.Success)
	d.sql(`UPDATE grant_chunks SET open_until = NULL`) // the last claim
	for ok {
		if p, ok = next(); ok {
			require.Equal(t, 997, p.Success)
		}
	}
}

// A client that goes leaves nothing behind: the package's goroutines are counted at the end.
func TestProgressStreamClientGoes(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.pointEvent("a")
	d.plant(e.ID)
	ctx, cancel := context.WithCancel(t.Context())
	next := d.follow(ctx, e.ID)
	_, ok := next()
	require.True(t, ok)
	cancel()
	require.Eventually(t, func() bool { return strings.Contains(d.log.String(), "/progress status=200") },
		10*time.Second, 10*time.Millisecond,
		"the handler has ended")
}
