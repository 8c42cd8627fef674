package inspect

import (
	"context"

	"bestow/app/reports"
	"bestow/http/api"
	"bestow/http/web"
)

// QueueOut is an answer with the lanes.
type QueueOut struct{ Body api.Queue }

// Queue answers with every lane that is not empty.
func (h *Handlers) Queue(ctx context.Context, _ *struct{}) (*QueueOut, error) {
	q, err := h.reports.Queue(ctx)
	if err != nil {
		return nil, err
	}
	out := &QueueOut{Body: api.Queue{At: q.At.UTC(), Lanes: make([]api.Lane, len(q.Lanes))}}
	for i, lane := range q.Lanes {
		out.Body.Lanes[i] = wireLane(lane)
	}
	return out, nil
}

func wireLane(l reports.Lane) api.Lane {
	lane := api.Lane{
		ReservationAt: l.ReservationAt.UTC(), Due: l.Due, Busy: l.Runner() != nil,
		Events: make([]api.Queued, len(l.Events)),
	}
	for i, e := range l.Events {
		lane.Events[i] = wireQueued(e)
	}
	return lane
}

func wireQueued(q reports.Queued) api.Queued {
	e := api.FromEvent(q.Event)
	wire := api.Queued{
		ID:                  e.ID,
		CampaignID:          e.CampaignID,
		EventType:           e.EventType,
		EventStatus:         e.EventStatus,
		ReservationPriority: e.ReservationPriority,
		TotalCount:          e.TotalCount,
		Settled:             e.Summary.SuccessCount + e.Summary.FailCount,
		StartedAt:           e.Summary.StartedAt,
		RatePerS:            q.RatePerS,
		ETAS:                q.ETAS,
		WaitingFor:          web.Reasons(q.WaitingFor),
	}
	if q.ExpectedStart != nil {
		at := q.ExpectedStart.UTC()
		wire.ExpectedStartAt = &at
	}
	if q.WaitsFor != "" {
		wire.WaitsFor = &q.WaitsFor
	}
	return wire
}
