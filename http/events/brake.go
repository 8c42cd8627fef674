package events

import (
	"context"

	"bestow/app/command"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// BrakesOut is an answer with the engaged brakes.
type BrakesOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: this Idempotency-Key released the brake before, and it is still released"`
	Body     api.Brakes
}

// ShowBrakes answers with the engaged brakes.
func (h *Handlers) ShowBrakes(ctx context.Context, _ *struct{}) (*BrakesOut, error) {
	brakes, err := h.reports.Brakes(ctx)
	if err != nil {
		return nil, err
	}
	return &BrakesOut{Body: wireBrakes(brakes)}, nil
}

func wireBrakes(brakes []domain.Brake) api.Brakes {
	wire := api.Brakes{Engaged: len(brakes) > 0, Items: make([]api.Brake, len(brakes))}
	for i, b := range brakes {
		wire.Items[i] = api.FromBrake(b)
	}
	return wire
}

// BrakeIn is a request to engage or release a brake.
type BrakeIn struct {
	web.Idempotent

	Body web.Body[api.BrakeOrder]
}

// BrakedOut is the answer when a brake is engaged.
type BrakedOut struct {
	Status int
	Body   api.Braked
}

// EngageBrake answers 200 when no grant in the scope begins any more, and 202 while claims are open.
func (h *Handlers) EngageBrake(ctx context.Context, in *BrakeIn) (*BrakedOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	return h.brake(ctx, in.Caller(ctx, in.Body.Canonical()), domain.BrakeScope(wire.Scope), wire.Memo)
}

func (h *Handlers) brake(ctx context.Context, by command.Caller, scope domain.BrakeScope,
	memo string,
) (*BrakedOut, error) {
	braked, err := h.events.Brake(ctx, by, scope, memo)
	if err != nil {
		return nil, err
	}
	out := &BrakedOut{Status: drainStatus(braked.Draining())}
	out.Body = api.Braked{Brake: api.FromBrake(braked.Brake), Items: make([]api.Stopped, len(braked.Events))}
	for i, stopped := range braked.Events {
		out.Body.Items[i] = wireStopped(stopped)
	}
	return out, nil
}

// ReleaseBrake answers with the brakes that are still engaged.
func (h *Handlers) ReleaseBrake(ctx context.Context, in *BrakeIn) (*BrakesOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	left, err := h.events.ReleaseBrake(ctx, in.Caller(ctx, in.Body.Canonical()), domain.BrakeScope(wire.Scope), wire.Memo)
	if err != nil {
		return nil, err
	}
	return &BrakesOut{Replayed: web.Replayed(left.Replayed), Body: wireBrakes(left.Value)}, nil
}

// StopAllIn is a request to stop all events.
type StopAllIn struct {
	web.Idempotent

	Body web.Body[api.Stop]
}

// StopAll engages the brake of all events.
func (h *Handlers) StopAll(ctx context.Context, in *StopAllIn) (*BrakedOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	return h.brake(ctx, in.Caller(ctx, in.Body.Canonical()), domain.BrakeAll, wire.Memo)
}
