package events_test

import (
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

func (d *desk) patchType(code, body string) answer {
	d.Helper()
	return d.Do("PATCH", "/api/v1/event-types/"+code, body)
}

// The limits of a type are refused with their numbers wherever an event meets them, and said in the queue (C7).
func TestLimitsAreObeyed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	limit := func(body string) { require.Equal(d, 200, d.patchType("POINT", body).StatusCode) }
	limit(`{"max_per_member": 499}`)
	p := d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "POINT", "default_amount": 500}`).Refused(422,
		"invalid")
	require.Equal(t, "body.default_amount", p.Errors[0].Location)
	require.Contains(t, p.Errors[0].Message, "500 P is over max_per_member of POINT, 499 P")
	limit(`{"max_per_member": 500}`)
	e := d.PointEvent("a")
	require.Equal(t, new("P"), e.Unit)
	require.Equal(t, "body.default_amount",
		d.Patch(e.ID, `{"default_amount": 501}`).Refused(422, "invalid").Errors[0].Location)
	limit(`{"max_per_member": 499}`)
	require.Equal(t, 200, d.Patch(e.ID, `{"default_reason": "r"}`).StatusCode, "what does not change is not judged")
	limit(`{"max_per_member": 500, "max_count": 1}`)
	p = d.Post(desktest.EventURL(e.ID)+"/targets", "member_id\na\nb\n", "Content-Type: text/csv").Refused(422,
		"total_over_limit")
	require.Equal(t, api.Problem{Limit: "max_count", Most: 1, Asked: 2},
		api.Problem{Limit: p.Limit, Most: p.Most, Asked: p.Asked})
	limit(`{"max_count": null}`)
	require.Equal(t, new("P"), d.List(e.ID, "", "a", "b").Unit)

	for status, move := range map[string]string{
		"PENDING": "start", "STOPPED": "resume", "RUNNING": "retry",
		"COMPLETED": "retry",
	} {
		limit(`{"max_per_member": null}`)
		e := d.PointEvent(status)
		d.List(e.ID, "", status+"1", status+"2")
		if status != "PENDING" {
			require.Equal(t, 202, d.Ask("start", e).StatusCode)
		}
		if status == "STOPPED" {
			require.Equal(t, 200, d.Ask("stop", e).StatusCode)
		}
		if status == "COMPLETED" {
			d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
		}
		limit(`{"max_per_member": 499}`)
		p := d.Ask(move, e).Refused(409, "over_limit")
		require.Equal(t, []any{"max_per_member", int64(499), int64(500)}, []any{p.Limit, p.Most, p.Asked})
		if move != "retry" {
			require.Contains(t, d.WaitingFor(e.ID), "over_limit")
		}
	}
}

// A reserved event that passes a limit is passed over, and the queue says why; the next of its lane starts (C7).
func TestOverLimitLeavesTheLane(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first, second := d.Reserved("first", past, "1", 0), d.Reserved("second", past, "2", 0)
	for id, amount := range map[int64]string{first: "6", second: "5"} {
		d.SQL(`UPDATE campaign_events SET reservation_at = $2 WHERE id = $1`, id, future)
		a := d.Post(desktest.EventURL(id)+"/targets", "member_id,amount\na,"+amount+"\n", "Content-Type: text/csv")
		require.Equal(t, 201, a.StatusCode, a.Text)
	}
	d.Due(first, second)
	require.Equal(t, 200, d.patchType("POINT", `{"max_per_member": 5}`).StatusCode)
	require.Equal(t, []string{"over_limit", ""}, desktest.Reasons(d.Queue().Lanes[0]))
	require.NoError(t, d.App.Events.StartDue(t.Context()))
	require.Equal(t, "PENDING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(first))).EventStatus)
	require.Equal(t, "RUNNING", desktest.Decoded[api.Event](d.Get(desktest.EventURL(second))).EventStatus)
}
