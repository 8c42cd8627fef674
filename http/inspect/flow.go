package inspect

import (
	"context"

	"bestow/app/reports"
	"bestow/http/api"
	"bestow/http/web"
)

// FlowOut is how fast an event went.
type FlowOut struct{ Body api.Flow }

// Flow answers with how fast an event went lately, and how far it is in each partition.
func (h *Handlers) Flow(ctx context.Context, in *web.ByID) (*FlowOut, error) {
	f, err := h.reports.FollowFlow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &FlowOut{api.Flow{
		EventID: in.ID, AsOf: f.At, StepS: int(reports.FlowStep.Seconds()),
		Rates: make([]api.Rate, 0, len(f.Rates)), Partitions: make([]api.Partition, 0, len(f.Partitions)),
	}}
	for _, r := range f.Rates {
		out.Body.Rates = append(out.Body.Rates, api.Rate(r))
	}
	for _, p := range f.Partitions {
		out.Body.Partitions = append(out.Body.Partitions, api.Partition(p))
	}
	return out, nil
}
