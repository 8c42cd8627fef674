package inspect

import (
	"context"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeSystem describes the route of System.
func (*Handlers) DescribeSystem(o *huma.Operation) {
	o.Description = "The lag of the consumers by partition is not in it: this process does not ask Kafka. " +
		"`kafka-consumer-groups.sh --describe --group GROUP` tells it."
}

// SystemOut is an answer with the state of the installation.
type SystemOut struct{ Body api.System }

// System answers with the state of the installation.
func (h *Handlers) System(ctx context.Context, _ *struct{}) (*SystemOut, error) {
	sys, err := h.reports.System(ctx)
	if err != nil {
		return nil, err
	}
	return &SystemOut{wireSystem(sys)}, nil
}

func wireSystem(sys reports.System) api.System {
	wire := api.System{
		At: sys.At.UTC(), ReadOnly: sys.ReadOnly, Processes: make([]api.Process, len(sys.Processes)),
		Breaker: make([]api.Ledger, len(sys.Ledgers)),
		River:   wireRiver(sys.River), Brake: make([]api.Brake, len(sys.Brakes)),
		WaitingFor: make([]api.Standing, len(sys.Standing)), Behind: make([]api.Behind, len(sys.Behind)),
	}
	for i, p := range sys.Processes {
		wire.Processes[i] = wireProcess(p)
	}
	for i, l := range sys.Ledgers {
		wire.Breaker[i] = api.Ledger{Name: l.Name, Open: l.Away != "", Text: l.Away}
	}
	for i, b := range sys.Brakes {
		wire.Brake[i] = api.FromBrake(b)
	}
	for i, b := range sys.Behind {
		wire.Behind[i] = api.Behind{
			EventType: b.EventType, Partition: b.Key, Messages: b.Messages, Targets: b.Targets, OldestS: b.OldestS,
		}
	}
	for i, s := range sys.Standing {
		wire.WaitingFor[i] = api.Standing{Code: s.Code, Text: s.Text, Events: s.Events}
	}
	return wire
}

func wireProcess(p processes.Process) api.Process {
	wire := api.Process{
		ID: p.ID, Roles: p.Roles, Version: p.Version, Host: p.Host, PID: p.PID,
		StartedAt: p.StartedAt.UTC(), SeenAt: p.SeenAt.UTC(), Reports: []api.Report{}, Settings: p.Settings(),
	}
	for _, r := range p.Obstacles() {
		wire.Reports = append(wire.Reports, api.Report{Code: r.Code, Text: r.Text, Topic: r.Topic})
	}
	return wire
}

func wireRiver(r reports.River) api.River {
	wire := api.River{PausedQueues: r.Paused, Oldest: r.Oldest}
	if r.Leader != "" {
		wire.Leader = &r.Leader
	}
	return wire
}
