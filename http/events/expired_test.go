package events_test

import (
	"slices"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Nothing starts or goes on whose every grant the ledger would refuse as expired (C4).
func TestExpiredDoesNotStart(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for status, move := range map[string]string{"PENDING": "start", "STOPPED": "resume", "FAILED": "resume"} {
		e := d.At(status, status)
		at := d.Passed(e.ID)
		p := d.Ask(move, e).Refused(409, "expired")
		require.True(t, at.Equal(*p.ExpiryAt))
		require.Contains(t, p.Detail, at.Format(time.RFC3339))
		now := desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID)))
		require.Equal(t, status, now.EventStatus)
		require.Contains(t, d.WaitingFor(e.ID), "expired")
	}
	e := d.At("PENDING", "later")
	d.Passed(e.ID)
	require.Equal(t, 200, d.Patch(e.ID, `{"reservation_priority": 1}`).StatusCode, "the rest may be edited")
	require.Equal(t, 200, d.Patch(e.ID, `{"expiry_at": null}`).StatusCode)
	require.Equal(t, 202, d.Ask("start", e).StatusCode)
	require.NotContains(t, d.WaitingFor(e.ID), "expired")
}

// The tag of an event is that of its definition, which does not change when its expiry passes.
func TestExpiryLeavesTheTag(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.At("PENDING", "a")
	d.SQL(`UPDATE campaign_events SET expiry_at = clock_timestamp() + interval '700 milliseconds' WHERE id = $1`, e.ID)
	tag := d.Tag(e.ID)
	require.Eventually(t, func() bool { return slices.Contains(d.WaitingFor(e.ID), "expired") }, 10*time.Second,
		20*time.Millisecond)
	require.Equal(t, tag, d.Tag(e.ID))
}

// A reserved event whose expiry has passed is passed over, and the queue says why; the next of its lane starts.
func TestExpiredLeavesTheLane(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first := d.Reserved("first", past, "1", 2)
	second := d.Reserved("second", past, "2", 2)
	d.Passed(first)
	require.Equal(t, []string{"expired", ""}, desktest.Reasons(d.Queue().Lanes[0]))
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "PENDING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(first))).EventStatus)
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(second))).EventStatus)
}

// An event that has only to be closed is not kept from it: nothing of it can be refused any more.
func TestExpiredAndSettledGoesOn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.At("PENDING", "settled")
	// before the start: its root has it
	d.SQL(`UPDATE campaign_events SET expiry_at = clock_timestamp() + interval '2 seconds' WHERE id = $1`, e.ID)
	require.Equal(t, 202, d.Ask("start", e).StatusCode)
	require.Equal(t, 200, d.Ask("stop", e).StatusCode)
	require.Eventually(t, func() bool { return slices.Contains(d.WaitingFor(e.ID), "expired") }, 10*time.Second,
		20*time.Millisecond)
	d.Ask("resume", e).Refused(409, "expired")
	d.SQL(`UPDATE campaign_event_summary SET success_count = 2, fail_count = 1 WHERE event_id = $1`, e.ID)
	require.NotContains(t, d.WaitingFor(e.ID), "expired")
	require.Equal(t, 202, d.Ask("resume", e).StatusCode)
}

// A retry takes nothing that the ledger can only refuse again: what it refused for good, once the expiry has passed.
// What it contradicted itself about it may have granted.
func TestRetryLeavesTheExpired(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for name, c := range map[string]struct {
		passed, body      string
		matched, leftOver int
	}{
		"expired":                 {"yes", `{"error_code": "expired"}`, 0, 1},
		"expired, dry":            {"yes", `{"error_code": "expired", "dry_run": true}`, 0, 1},
		"all":                     {"yes", `{}`, 1, 2},
		"all, dry":                {"yes", `{"dry_run": true}`, 1, 2},
		"another refusal":         {"yes", `{"error_code": "member_withdrawn"}`, 0, 1},
		"mismatch":                {"yes", `{"error_code": "mismatch"}`, 1, 0},
		"before it passes":        {"", `{"error_code": "expired"}`, 1, 0},
		"before it passes, all":   {"", `{}`, 3, 0},
		"before it passes, a dry": {"", `{"dry_run": true}`, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			e := d.At("COMPLETED", name)
			d.SQL(`INSERT INTO point_results (event_id, member_id, amount, status, error_code) VALUES
				($1, 'm0', 5, 'PERMANENTLY_FAILED', 'expired'), ($1, 'm1', 5, 'PERMANENTLY_FAILED', 'member_withdrawn'),
				($1, 'm2', 5, 'PERMANENTLY_FAILED', 'mismatch')`, e.ID)
			if c.passed != "" {
				d.Passed(e.ID)
			}
			a := d.Post(desktest.EventURL(e.ID)+"/retry", c.body)
			require.Equal(t, 200, a.StatusCode, a.Text)
			r := desktest.Decoded[api.Retried](a)
			require.Equal(t, c.matched, r.Matched)
			require.Equal(t, c.leftOver, r.Expired)
		})
	}
}
