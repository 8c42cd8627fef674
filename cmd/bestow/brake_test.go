package main

import (
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/app/patch"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

var errBraked = &domain.Error{Code: domain.BrakeEngaged}

func (w *world) brake(p *daemon.Process, scope domain.BrakeScope) app.Braked {
	w.Helper()
	b, err := p.App.Events.Brake(w.Context(), operator, scope, "what is this")
	require.NoError(w, err)
	return b
}

func (w *world) release(p *daemon.Process, scope domain.BrakeScope) {
	w.Helper()
	_, err := p.App.Events.ReleaseBrake(w.Context(), operator, scope, "it was nothing")
	require.NoError(w, err)
}

// C10: a lane waits behind what runs, and an event is reserved for a moment that comes. The brake stops what runs and
// lets none of the others start: no grant after its answer. Released, what is due starts by itself; what was stopped
// stays so until it is resumed.
func TestBrakeWithALaneWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	lane := time.Now().Add(-time.Minute).Truncate(time.Second)
	running := w.event(p, "POINT", 3_000)
	second, third := w.reserved(p, "second", lane.Add(time.Hour), nil), w.reserved(p, "third", lane.Add(time.Hour), nil)
	later := w.reserved(p, "later", time.Now().Add(3*time.Second).Truncate(time.Second), nil)
	w.exec(`UPDATE campaign_events SET reservation_at = $1 WHERE id = $2`, lane, running.ID)
	w.run(p, running)
	w.exec(`UPDATE campaign_events SET reservation_at = $1 WHERE id = ANY ($2)`, lane, []int64{second.ID, third.ID})

	braked := w.brake(p, domain.BrakeAll)
	require.Zero(t, braked.Draining())
	require.Len(t, braked.Events, 1)
	require.Equal(t, running.ID, braked.Events[0].Event.ID)
	require.Equal(t, "what is this", braked.Events[0].Event.Summary.StoppedMemo)
	granted := w.count(`SELECT count(*) FROM money.point_member`)
	require.Never(t, func() bool { return w.count(`SELECT count(*) FROM money.point_member`) != granted },
		7*time.Second, 50*time.Millisecond)
	for _, id := range []int64{second.ID, third.ID, later.ID} {
		require.Equal(t, domain.Pending, w.status(p, id))
		_, _, err := p.App.Events.Start(t.Context(), operator, id)
		require.ErrorIs(t, err, errBraked)
	}
	_, _, err := p.App.Events.Resume(t.Context(), operator, running.ID)
	require.ErrorIs(t, err, errBraked)
	q, err := p.App.Reports.Queue(t.Context())
	require.NoError(t, err)
	for _, l := range q.Lanes {
		for _, e := range l.Events {
			require.Equal(t, domain.BrakeEngaged, e.WaitsFor, "event %d", e.Event.ID)
			require.Nil(t, e.ExpectedStart)
		}
	}

	w.release(p, domain.BrakeAll)
	for _, id := range []int64{second.ID, third.ID, later.ID} {
		w.completed(p, id)
	}
	require.Equal(t, domain.Stopped, w.status(p, running.ID), "a release resumes nothing")
	_, _, err = p.App.Events.Resume(t.Context(), operator, running.ID)
	require.NoError(t, err)
	w.exact(p, w.completed(p, running.ID))
}

// A brake of one type holds that type alone: also an event that is made of it, or becomes one of it, while the brake
// stands; and a lane goes on to an event of another type.
func TestBrakeOfOneType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	points := w.event(p, "POINT", 10)
	w.brake(p, domain.BrakeOf("POINT"))
	made := w.event(p, "POINT", 10)
	at := time.Now().Truncate(time.Second)
	w.exec(`UPDATE campaign_events SET reservation_at = $1 WHERE id = ANY ($2)`, at, []int64{points.ID, made.ID})
	vouchers := w.event(p, "VOUCHER", 10)
	w.exec(`UPDATE campaign_events SET reservation_at = $1 WHERE id = $2`, at, vouchers.ID)
	w.completed(p, vouchers.ID)
	for _, e := range []domain.Event{points, made} {
		require.Equal(t, domain.Pending, w.status(p, e.ID))
	}
	empty, err := p.App.Events.Create(t.Context(), operator,
		app.NewEvent{CampaignID: "changes its type", EventType: "VOUCHER"})
	require.NoError(t, err)
	change := app.EventPatch{EventType: patch.SetTo("POINT")}
	_, err = p.App.Events.Edit(t.Context(), operator, empty.Value.ID, change, func(domain.Event) error { return nil })
	require.NoError(t, err)
	_, _, err = p.App.Events.Start(t.Context(), operator, empty.Value.ID)
	require.ErrorIs(t, err, errBraked)

	w.brake(p, domain.BrakeAll)
	w.release(p, domain.BrakeOf("POINT"))
	_, _, err = p.App.Events.Start(t.Context(), operator, made.ID)
	require.ErrorIs(t, err, errBraked, "the other brake still holds it")
	w.release(p, domain.BrakeAll)
	w.completed(p, points.ID)
	w.completed(p, made.ID)
	w.verified(p)
}

// A redrive of a completed event waits while the brake stands, is neither lost nor given up, and goes on after it.
// Nothing more is redriven meanwhile.
func TestBrakeHoldsARedrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gate := &gated{open: make(chan struct{})}
	desk, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	p, stop := w.start(t.Context(), w.told(func(m string, _ int) (domain.Verdict, bool) {
		if digit(m) == '3' {
			return domain.RefusedForGood, false
		}
		return domain.Granted, true
	}), daemon.AllRoles...)
	e := w.event(p, "POINT", 100)
	w.run(p, e)
	w.completed(p, e.ID)
	stop()
	r, err := desk.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	require.Equal(t, 10, r.Value.Accepted)
	require.Empty(t, w.brake(desk, domain.BrakeAll).Events, "nothing runs, and no claim is open")
	_, err = desk.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.ErrorIs(t, err, errBraked)
	_, err = desk.App.Events.Retry(t.Context(), operator, e.ID, "", true)
	require.NoError(t, err, "a dry run changes nothing")

	p, _ = w.start(t.Context(),
		daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { gate.Granter = g; return gate }},
		daemon.AllRoles...)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE args->>'mode' = 'redrive' AND (metadata->>'snoozes')::int > 0`) > 0
	}, time.Minute, 50*time.Millisecond)
	require.Equal(t, 90, w.count(`SELECT count(*) FROM money.point_member`))
	w.release(p, domain.BrakeAll)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 100 },
		time.Minute, 50*time.Millisecond)
	w.verified(p)
}
