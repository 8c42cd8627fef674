package http

import (
	"fmt"
	"testing"
	"time"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

func warningCodes(r api.ImportResult) (codes []string) {
	for _, w := range r.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

// list imports members and returns what the import said.
func (d *desk) list(id int64, query string, members ...string) api.ImportResult {
	d.Helper()
	list := "member_id\n"
	for _, m := range members {
		list += m + "\n"
	}
	a := d.post(eventURL(id)+"/targets"+query, list, "Content-Type: text/csv")
	require.Contains(d, []int{200, 201}, a.StatusCode, a.body)
	return decoded[api.ImportResult](a)
}

// due lets the reserved moment of an event be one that has passed.
func (d *desk) due(ids ...int64) {
	d.Helper()
	d.sql(`UPDATE campaign_events SET reservation_at = $2 WHERE id = ANY ($1)`, ids, past)
}

// Nothing is reserved for a moment that has passed; "now" in whole seconds works (C5).
func TestReservationInThePast(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body := func(at time.Time) string {
		return fmt.Sprintf(`{"campaign_id": "c%d", "event_type": "POINT", "default_amount": 5, "reservation_at": %q}`,
			time.Now().UnixNano(), at.Format(time.RFC3339))
	}
	now := time.Now().Truncate(time.Second)
	e := d.created(body(now))
	for _, at := range []time.Time{
		now.Add(-time.Hour), now.Add(-time.Minute), now.Add(-10 * time.Second),
		time.Unix(0, 0),
	} {
		p := d.post("/api/v1/events", body(at)).refused(422, "invalid")
		require.Equal(t, "body.reservation_at", p.Errors[0].Location)
		p = d.patch(e.ID, fmt.Sprintf(`{"reservation_at": %q}`, at.Format(time.RFC3339))).refused(422, "invalid")
		require.Equal(t, "body.reservation_at", p.Errors[0].Location)
	}
	d.due(e.ID)
	require.Equal(t, 200, d.patch(e.ID, `{"reservation_at": "`+past+`", "default_amount": 6}`).StatusCode,
		"it has that moment already")
	require.Equal(t, 200, d.patch(e.ID, `{"reservation_priority": 6}`).StatusCode)
	require.Equal(t, 200, d.patch(e.ID, `{"reservation_at": null}`).StatusCode)
}

// An event whose moment passed before it had a list waits for a person, however many lists come then; the queue, the
// event and each import say so (C5).
func TestMissed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.reserved("missed", future, "1", 0)
	other := d.reserved("other", future, "2", 1)
	d.due(id, other)
	require.Equal(t, "missed", reasons(d.queue().Lanes[0])[0])
	require.Equal(t, []string{"missed"}, warningCodes(d.list(id, "?dry_run=true", "a")))
	require.Equal(t, []string{"missed"}, warningCodes(d.list(id, "", "a")))
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	require.Equal(t, "PENDING", decoded[api.Event](d.get(eventURL(id))).EventStatus)
	require.Equal(t, "RUNNING", decoded[api.Event](d.get(eventURL(other))).EventStatus, "it does not keep its lane")
	require.Contains(t, d.waitingFor(id), "missed")
	require.Equal(t, []string{"missed"}, warningCodes(d.list(id, "", "b")), "the second list is taken")
	require.Equal(t, 200, d.patch(id, `{"reservation_priority": 7}`).StatusCode)
	require.Contains(t, d.waitingFor(id), "missed", "which moves nothing")
}

// A person starts what was missed, or gives it another moment, at which it starts.
func TestMissedGoesOn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	byHand, moved := d.reserved("by hand", future, "", 0), d.reserved("moved", future, "", 0)
	d.due(byHand, moved)
	d.list(byHand, "", "a")
	d.list(moved, "", "b")
	require.Equal(t, 202, d.post(eventURL(byHand)+"/start", "").StatusCode)
	require.NotContains(t, d.waitingFor(byHand), "missed")
	now := time.Now().Truncate(time.Second).UTC().Format(time.RFC3339)
	require.Equal(t, 200, d.patch(moved, `{"reservation_at": "`+now+`"}`).StatusCode)
	require.NotContains(t, d.waitingFor(moved), "missed")
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	require.Equal(t, "RUNNING", decoded[api.Event](d.get(eventURL(moved))).EventStatus)
}

// A moment that passes while no process looks is not missed: the event has its list, and starts late.
func TestLateIsNotMissed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.reserved("late", future, "", 2)
	d.due(id)
	require.NotContains(t, d.waitingFor(id), "missed")
	require.Empty(t, warningCodes(d.list(id, "", "z")))
	require.NoError(t, d.app.Events.StartDue(t.Context()))
	require.Equal(t, "RUNNING", decoded[api.Event](d.get(eventURL(id))).EventStatus)
}

// The same file in another event, or as a dry run, is told with the event and the time; another file is not (C7).
func TestListSeen(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a, b := d.pointEvent("a"), d.pointEvent("b")
	require.Empty(t, d.list(a.ID, "", "m1", "m2").Warnings)
	require.Empty(t, d.list(b.ID, "", "m1").Warnings)
	for _, query := range []string{"?dry_run=true", ""} {
		w := d.list(b.ID, query, "m1", "m2").Warnings
		require.Len(t, w, 1)
		require.Equal(t, "list_seen", w[0].Code)
		require.Equal(t, a.ID, *w[0].Event)
		require.WithinDuration(t, time.Now(), *w[0].At, time.Minute)
		require.Contains(t, w[0].Text, "event 1 (a)")
	}
	for i := range 6 {
		e := d.pointEvent(fmt.Sprint("c", i))
		require.Len(t, d.list(e.ID, "", "m1", "m2").Warnings, min(i+2, 5), "the newest five")
	}
}
