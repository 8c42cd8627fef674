package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/app/imports"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// reserved makes an event of three members in the lane of a second; priority nil for none.
func (w *world) reserved(p *daemon.Process, name string, at time.Time, priority *int) domain.Event {
	w.Helper()
	amount := int64(500)
	e, err := p.App.Events.Create(w.Context(),
		operator, app.NewEvent{
			CampaignID: name, EventType: "POINT", DefaultAmount: &amount,
			ReservationPriority: priority,
		})
	require.NoError(w, err)
	_, err = p.App.Targets.Import(w.Context(), operator, e.Value.ID,
		imports.Upload{Body: memberList(3), ContentType: "text/csv"})
	require.NoError(w, err)
	w.comes(at, e.Value.ID)
	return e.Value
}

// comes gives events a reserved moment, of the past too.
func (w *world) comes(at time.Time, events ...int64) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), `UPDATE campaign_events SET reservation_at = $2 WHERE id = ANY ($1)`, events, at)
	require.NoError(w, err)
}

// lanes makes n events in three lanes whose time has come, with priorities that do not follow the ids, and returns for
// each lane the events in the order in which they have to run.
func (w *world) lanes(p *daemon.Process, n int) [3][]int64 {
	w.Helper()
	type turn struct {
		priority int // of none: the last
		id       int64
	}
	var lanes [3][]turn
	now := time.Now().Truncate(time.Second)
	for i := range n {
		var priority *int
		order := 1 << 40
		if v := (i * 7) % 5; v != 3 {
			priority, order = &v, v
		}
		e := w.reserved(p, fmt.Sprintf("c%02d", i), now.Add(-time.Duration(i%3+1)*time.Minute), priority)
		lanes[i%3] = append(lanes[i%3], turn{order, e.ID})
	}
	var ids [3][]int64
	for lane := range lanes {
		slices.SortStableFunc(lanes[lane], func(a, b turn) int { return a.priority - b.priority })
		for _, t := range lanes[lane] {
			ids[lane] = append(ids[lane], t.id)
		}
	}
	return ids
}

// gated is a ledger that refuses one event for now, until it is let through.
type gated struct {
	grants.Granter
	event int64
	open  chan struct{}
}

func (g *gated) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	select {
	case <-g.open:
	default:
		if e.ID == g.event {
			return slices.Repeat([]domain.Outcome{{Verdict: domain.RefusedForNow, Code: "not_now"}}, len(batch)), nil
		}
	}
	return g.Granter.Grant(ctx, e, deadline, batch)
}

// Twenty events in three lanes run in each lane one after another, in the order of their priorities and ids; the lanes
// run side by side. One is stopped: its lane goes on without it, and it runs when it is resumed and the lane is free.
func TestTwentyEventsInThreeLanes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	desk, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	lanes := w.lanes(desk, 20)
	held := lanes[1][2] // the third of the second lane does not come to an end
	gate := &gated{event: held, open: make(chan struct{})}
	p, _ := w.start(t.Context(), daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { gate.Granter = g; return gate },
		Limits:  func(l *app.Limits) { l.Retry = domain.RetryPolicy{Limit: 100, Backoff: time.Second} },
	}, daemon.AllRoles...)

	require.Eventually(t, func() bool { return w.status(p, held) == domain.Running }, time.Minute, 20*time.Millisecond)
	for _, lane := range []int{0, 2} {
		w.completed(p, lanes[lane][len(lanes[lane])-1]) // nobody waits for another lane
	}
	require.Equal(t, domain.Pending, w.status(p, lanes[1][3]), "its own lane waits")
	_, _, err := p.App.Events.Resume(t.Context(), operator, lanes[1][3])
	require.ErrorIs(t, err, &domain.Error{Code: domain.WrongStatus})
	_, _, err = p.App.Events.Start(t.Context(), operator, lanes[1][3])
	require.ErrorIs(t, err, &domain.Error{Code: domain.LaneBusy})

	_, err = p.App.Events.Stop(t.Context(), operator, held, "look into it")
	require.NoError(t, err)
	w.completed(p, lanes[1][len(lanes[1])-1]) // the lane went on without it
	require.Equal(t, domain.Stopped, w.status(p, held))
	close(gate.open)
	_, _, err = p.App.Events.Resume(t.Context(), operator, held)
	require.NoError(t, err)
	last := w.completed(p, held)

	for lane, ids := range lanes {
		w.oneAfterAnother(p, lane, ids, held)
	}
	others := slices.DeleteFunc(slices.Clone(lanes[1]), func(id int64) bool { return id == held })
	end := w.completed(p, others[len(others)-1]).Summary.CompletedAt
	require.True(t, last.Summary.CompletedAt.After(*end), "it ended after its lane")
	require.True(t, last.Summary.StartedAt.Before(*end), "its first start stands")
	w.verified(p)
	require.Equal(t, 20*3, w.count(`SELECT count(*) FROM money.point_member`))
}

func (w *world) status(p *daemon.Process, id int64) domain.Status {
	w.Helper()
	e, err := p.App.Events.Get(w.Context(), id)
	require.NoError(w, err)
	return e.Status
}

// oneAfterAnother asserts that the events of a lane started in their order, each when the one before had ended: by its
// completion, or by its stop for the one that was held.
func (w *world) oneAfterAnother(p *daemon.Process, lane int, ids []int64, held int64) {
	w.Helper()
	var free time.Time
	for i, id := range ids {
		e := w.completed(p, id)
		require.False(w, e.Summary.StartedAt.Before(free), "lane %d: event %d, the %d. of %v, started before its turn",
			lane, id, i+1, ids)
		free = *e.Summary.CompletedAt
		if id == held {
			free = *e.Summary.StoppedAt
		}
	}
}
