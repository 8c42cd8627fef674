package http

import (
	"slices"
	"testing"
	"time"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// passed lets the expiry of an event be a moment that has passed, and returns it.
func (d *desk) passed(id int64) time.Time {
	d.Helper()
	d.sql(`UPDATE campaign_events SET expiry_at = date_trunc('second', now()) - interval '1 second', created_at = now() - interval '1 hour' WHERE id = $1`, id)
	return *decoded[api.Event](d.get(eventURL(id))).ExpiryAt
}

// waitingFor lists the codes of what an event says that it stands still for.
func (d *desk) waitingFor(id int64) (codes []string) {
	d.Helper()
	for _, r := range decoded[api.Event](d.get(eventURL(id))).WaitingFor {
		codes = append(codes, r.Code)
	}
	return codes
}

// Nothing starts or goes on whose every grant the ledger would refuse as expired (C4).
func TestExpiredDoesNotStart(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for status, move := range map[string]string{"PENDING": "start", "STOPPED": "resume", "FAILED": "resume"} {
		e := d.at(status, status)
		at := d.passed(e.ID)
		p := d.ask(move, e).refused(409, "expired")
		require.True(t, at.Equal(*p.ExpiryAt))
		require.Contains(t, p.Detail, at.Format(time.RFC3339))
		now := decoded[api.Event](d.get(eventURL(e.ID)))
		require.Equal(t, status, now.EventStatus)
		require.Contains(t, d.waitingFor(e.ID), "expired")
	}
	e := d.at("PENDING", "later")
	d.passed(e.ID)
	require.Equal(t, 200, d.patch(e.ID, `{"reservation_priority": 1}`).StatusCode, "the rest may be edited")
	require.Equal(t, 200, d.patch(e.ID, `{"expiry_at": null}`).StatusCode)
	require.Equal(t, 202, d.ask("start", e).StatusCode)
	require.NotContains(t, d.waitingFor(e.ID), "expired")
}

// The tag of an event is that of its definition, which does not change when its expiry passes.
func TestExpiryLeavesTheTag(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.at("PENDING", "a")
	d.sql(`UPDATE campaign_events SET expiry_at = clock_timestamp() + interval '700 milliseconds' WHERE id = $1`, e.ID)
	tag := d.tag(e.ID)
	require.Eventually(t, func() bool { return slices.Contains(d.waitingFor(e.ID), "expired") }, 10*time.Second,
		20*time.Millisecond)
	require.Equal(t, tag, d.tag(e.ID))
}

// A reserved event whose expiry has passed is passed over, and the queue says why; the next of its lane starts.
func TestExpiredLeavesTheLane(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first := d.reserved("first", past, "1", 2)
	second := d.reserved("second", past, "2", 2)
	d.passed(first)
	require.Equal(t, []string{"expired", ""}, reasons(d.queue().Lanes[0]))
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	require.Equal(t, "PENDING", decoded[api.Event](d.get(eventURL(first))).EventStatus)
	require.Equal(t, "RUNNING", decoded[api.Event](d.get(eventURL(second))).EventStatus)
}

// An event that has only to be closed is not kept from it: nothing of it can be refused any more.
func TestExpiredAndSettledGoesOn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.at("PENDING", "settled")
	// before the start: its root has it
	d.sql(`UPDATE campaign_events SET expiry_at = clock_timestamp() + interval '2 seconds' WHERE id = $1`, e.ID)
	require.Equal(t, 202, d.ask("start", e).StatusCode)
	require.Equal(t, 200, d.ask("stop", e).StatusCode)
	require.Eventually(t, func() bool { return slices.Contains(d.waitingFor(e.ID), "expired") }, 10*time.Second,
		20*time.Millisecond)
	d.ask("resume", e).refused(409, "expired")
	d.sql(`UPDATE campaign_event_summary SET success_count = 2, fail_count = 1 WHERE event_id = $1`, e.ID)
	require.NotContains(t, d.waitingFor(e.ID), "expired")
	require.Equal(t, 202, d.ask("resume", e).StatusCode)
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
			e := d.at("COMPLETED", name)
			d.sql(`INSERT INTO point_results (event_id, member_id, amount, status, error_code) VALUES
				($1, 'm0', 5, 'PERMANENTLY_FAILED', 'expired'), ($1, 'm1', 5, 'PERMANENTLY_FAILED', 'member_withdrawn'),
				($1, 'm2', 5, 'PERMANENTLY_FAILED', 'mismatch')`, e.ID)
			if c.passed != "" {
				d.passed(e.ID)
			}
			a := d.post(eventURL(e.ID)+"/retry", c.body)
			require.Equal(t, 200, a.StatusCode, a.body)
			r := decoded[api.Retried](a)
			require.Equal(t, c.matched, r.Matched)
			require.Equal(t, c.leftOver, r.Expired)
		})
	}
}
