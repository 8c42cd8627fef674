package inspect_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	fresh := d.Get(desktest.EventURL(e.ID) + "/progress")
	require.Equal(t, "application/json", fresh.Header.Get("Content-Type"))
	require.Contains(t, fresh.Text, `"rate_per_s":0,"eta_s":0,"sum":{"total":0,`)
	require.Contains(t, fresh.Text, `"lag":{"relay":{"targets":0,"oldest_s":0},`)
	require.Contains(t, fresh.Text, `"waiting_for":[{"code":"no_targets",`)
	require.Contains(t, fresh.Text, `"failures":{}`)
	d.Process("relay", "handler", "jobs")
	d.Plant(e.ID)
	a := d.Get(desktest.EventURL(e.ID) + "/progress")
	p := desktest.Decoded[api.Progress](a)
	require.Equal(t, "2999-01-01T00:00:00Z", p.NextRetryAt.Format(time.RFC3339))
	p.NextRetryAt = nil
	p.Lag.Relay.OldestS = 0
	require.Equal(t, api.Progress{
		EventID: e.ID, EventStatus: "RUNNING", Total: 1000, Published: 900, Success: 400, Fail: 3, RetrySuccess: 2,
		WaitingRetry: 2, Unknown: 1, InFlight: 60, RatePerS: 10, ETAS: 60, WaitingFor: []api.Reason{},
		Failures: map[string]int{"withdrawn": 2, "busy": 1},
		Sum: api.Sum{
			Total: 1000, Granted: 400, GivenUp: 3, Waiting: 2, Unknown: 1, InHand: 60, InKafka: 434, Unsent: 100,
		},
		Lag: api.Lag{Relay: api.Waiting{Targets: 100}, Ledger: api.Waiting{Targets: 60}},
	}, p)
	d.SQL(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	p = desktest.Decoded[api.Progress](d.Get(desktest.EventURL(e.ID) + "/progress"))
	require.Zero(t, p.RatePerS)
	require.Zero(t, p.ETAS)
}

// follow opens a stream; the function reads the next message, and says false at the end of the stream.
func (d *desk) follow(ctx context.Context, id int64) (next func() (api.Progress, bool)) {
	d.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", d.URL+desktest.EventURL(id)+"/progress", nil)
	require.NoError(d, err)
	req.Header.Set("Authorization", "Bearer "+desktest.Key)
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
	e := d.PointEvent("a")
	next := d.follow(t.Context(), e.ID)
	p, ok := next()
	require.True(t, ok)
	require.Equal(t, "PENDING", p.EventStatus)
	_, ok = next()
	require.False(t, ok, "nothing moves")

	d.Plant(e.ID)
	next = d.follow(t.Context(), e.ID)
	p, ok = next()
	require.True(t, ok)
	require.Equal(t, 400, p.Success)
	d.SQL(`UPDATE campaign_event_summary SET success_count = 997`)
	d.SQL(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	p, ok = next()
	require.True(t, ok)
	require.Equal(t, "STOPPED", p.EventStatus)
	require.Equal(t, 997, p.Success)
	d.SQL(`UPDATE grant_chunks SET open_until = NULL`) // the last claim
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
	e := d.PointEvent("a")
	d.Plant(e.ID)
	ctx, cancel := context.WithCancel(t.Context())
	next := d.follow(ctx, e.ID)
	_, ok := next()
	require.True(t, ok)
	cancel()
	require.Eventually(t, func() bool { return strings.Contains(d.Logged.String(), "/progress status=200") },
		10*time.Second, 10*time.Millisecond,
		"the handler has ended")
}
