package events

import (
	"context"

	"bestow/app/command"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

type brakesOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: this Idempotency-Key released the brake before, and it is still released"`
	Body     api.Brakes
}

// ShowBrakes answers with the engaged brakes.
func (h *Handlers) ShowBrakes(ctx context.Context, _ *struct{}) (*brakesOut, error) {
	brakes, err := h.reports.Brakes(ctx)
	if err != nil {
		return nil, err
	}
	return &brakesOut{Body: wireBrakes(brakes)}, nil
}

func wireBrakes(brakes []domain.Brake) api.Brakes {
	wire := api.Brakes{Engaged: len(brakes) > 0, Items: make([]api.Brake, len(brakes))}
	for i, b := range brakes {
		wire.Items[i] = api.FromBrake(b)
	}
	return wire
}

type brakeIn struct {
	web.Idempotent

	Body web.Body[api.BrakeOrder]
}

type brakedOut struct {
	Status int
	Body   api.Braked
}

// EngageBrake answers 200 when no grant in the scope begins any more, and 202 while claims are open.
func (h *Handlers) EngageBrake(ctx context.Context, in *brakeIn) (*brakedOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	return h.brake(ctx, in.Caller(ctx, in.Body.Canonical()), domain.BrakeScope(wire.Scope), wire.Memo)
}

func (h *Handlers) brake(ctx context.Context, by command.Caller, scope domain.BrakeScope,
	memo string,
) (*brakedOut, error) {
	braked, err := h.events.Brake(ctx, by, scope, memo)
	if err != nil {
		return nil, err
	}
	out := &brakedOut{Status: drainStatus(braked.Draining())}
	out.Body = api.Braked{Brake: api.FromBrake(braked.Brake), Items: make([]api.Stopped, len(braked.Events))}
	for i, stopped := range braked.Events {
		out.Body.Items[i] = wireStopped(stopped)
	}
	return out, nil
}

// ReleaseBrake answers with the brakes that are still engaged.
func (h *Handlers) ReleaseBrake(ctx context.Context, in *brakeIn) (*brakesOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	left, err := h.events.ReleaseBrake(ctx, by, domain.BrakeScope(wire.Scope), wire.Memo)
	if err != nil {
		return nil, err
	}
	return &brakesOut{Replayed: web.Replayed(by), Body: wireBrakes(left)}, nil
}

type stopAllIn struct {
	web.Idempotent

	Body web.Body[api.Stop]
}

// StopAll engages the brake of all events.
func (h *Handlers) StopAll(ctx context.Context, in *stopAllIn) (*brakedOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	return h.brake(ctx, in.Caller(ctx, in.Body.Canonical()), domain.BrakeAll, wire.Memo)
}
