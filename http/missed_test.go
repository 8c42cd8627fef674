package http

import (
	"fmt"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Nothing is reserved for a moment that has passed; "now" in whole seconds works (C5).
func TestReservationInThePast(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body := func(at time.Time) string {
		return fmt.Sprintf(`{"campaign_id": "c%d", "event_type": "POINT", "default_amount": 5, "reservation_at": %q}`,
			time.Now().UnixNano(), at.Format(time.RFC3339))
	}
	now := time.Now().Truncate(time.Second)
	e := d.Created(body(now))
	for _, at := range []time.Time{
		now.Add(-time.Hour), now.Add(-time.Minute), now.Add(-10 * time.Second),
		time.Unix(0, 0),
	} {
		p := d.Post("/api/v1/events", body(at)).Refused(422, "invalid")
		require.Equal(t, "body.reservation_at", p.Errors[0].Location)
		p = d.Patch(e.ID, fmt.Sprintf(`{"reservation_at": %q}`, at.Format(time.RFC3339))).Refused(422, "invalid")
		require.Equal(t, "body.reservation_at", p.Errors[0].Location)
	}
	d.Due(e.ID)
	require.Equal(t, 200, d.Patch(e.ID, `{"reservation_at": "`+past+`", "default_amount": 6}`).StatusCode,
		"it has that moment already")
	require.Equal(t, 200, d.Patch(e.ID, `{"reservation_priority": 6}`).StatusCode)
	require.Equal(t, 200, d.Patch(e.ID, `{"reservation_at": null}`).StatusCode)
}

// An event whose moment passed before it had a list waits for a person, however many lists come then; the queue, the
// event and each import say so (C5).
func TestMissed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Reserved("missed", future, "1", 0)
	other := d.Reserved("other", future, "2", 1)
	d.Due(id, other)
	require.Equal(t, "missed", desktest.Reasons(d.Queue().Lanes[0])[0])
	require.Equal(t, []string{"missed"}, desktest.WarningCodes(d.List(id, "?dry_run=true", "a")))
	require.Equal(t, []string{"missed"}, desktest.WarningCodes(d.List(id, "", "a")))
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "PENDING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(id))).EventStatus)
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(other))).EventStatus, "it does not keep its lane")
	require.Contains(t, d.WaitingFor(id), "missed")
	require.Equal(t, []string{"missed"}, desktest.WarningCodes(d.List(id, "", "b")), "the second list is taken")
	require.Equal(t, 200, d.Patch(id, `{"reservation_priority": 7}`).StatusCode)
	require.Contains(t, d.WaitingFor(id), "missed", "which moves nothing")
}

// A person starts what was missed, or gives it another moment, at which it starts.
func TestMissedGoesOn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	byHand, moved := d.Reserved("by hand", future, "", 0), d.Reserved("moved", future, "", 0)
	d.Due(byHand, moved)
	d.List(byHand, "", "a")
	d.List(moved, "", "b")
	require.Equal(t, 202, d.Post(desktest.EventURL(byHand)+"/start", "").StatusCode)
	require.NotContains(t, d.WaitingFor(byHand), "missed")
	now := time.Now().Truncate(time.Second).UTC().Format(time.RFC3339)
	require.Equal(t, 200, d.Patch(moved, `{"reservation_at": "`+now+`"}`).StatusCode)
	require.NotContains(t, d.WaitingFor(moved), "missed")
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(moved))).EventStatus)
}

// A moment that passes while no process looks is not missed: the event has its list, and starts late.
func TestLateIsNotMissed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Reserved("late", future, "", 2)
	d.Due(id)
	require.NotContains(t, d.WaitingFor(id), "missed")
	require.Empty(t, desktest.WarningCodes(d.List(id, "", "z")))
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(id))).EventStatus)
}

// The same file in another event, or as a dry run, is told with the event and the time; another file is not (C7).
func TestListSeen(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a, b := d.PointEvent("a"), d.PointEvent("b")
	require.Empty(t, d.List(a.ID, "", "m1", "m2").Warnings)
	require.Empty(t, d.List(b.ID, "", "m1").Warnings)
	for _, query := range []string{"?dry_run=true", ""} {
		w := d.List(b.ID, query, "m1", "m2").Warnings
		require.Len(t, w, 1)
		require.Equal(t, "list_seen", w[0].Code)
		require.Equal(t, a.ID, *w[0].Event)
		require.WithinDuration(t, time.Now(), *w[0].At, time.Minute)
		require.Contains(t, w[0].Text, "event 1 (a)")
	}
	for i := range 6 {
		e := d.PointEvent(fmt.Sprint("c", i))
		require.Len(t, d.List(e.ID, "", "m1", "m2").Warnings, min(i+2, 5), "the newest five")
	}
}
