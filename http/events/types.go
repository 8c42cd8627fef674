package events

import (
	"context"

	"bestow/app"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// TypesOut is an answer with the event types.
type TypesOut struct{ Body api.EventTypes }

// ListTypes answers with all event types that may be used.
func (h *Handlers) ListTypes(ctx context.Context, _ *struct{}) (*TypesOut, error) {
	types, err := h.types.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &TypesOut{Body: api.EventTypes{Items: make([]api.EventType, len(types))}}
	for i, t := range types {
		out.Body.Items[i] = api.FromType(t)
	}
	return out, nil
}

// DescribePatchType describes the route of PatchType.
func (h *Handlers) DescribePatchType(o *huma.Operation) {
	o.Description = "A JSON merge patch: what is absent stays, null clears. A limit holds for each import, start, " +
		"resume and retry that begins later. In production an event starts only if its type has all three limits."
	o.RequestBody = mergePatchOf[api.EventTypePatch](h.api, "EventTypePatch")
}

// PatchTypeIn is a request to change an event type.
type PatchTypeIn struct {
	web.Idempotent

	Code string `path:"code" example:"POINT"`
	Body web.Body[api.EventTypePatch]
}

// TypeOut is an answer with one event type.
type TypeOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.EventType
}

// PatchType changes an event type, and answers with it as it is now. It also logs who changed the type: its limits hold
// for all.
func (h *Handlers) PatchType(ctx context.Context, in *PatchTypeIn) (*TypeOut, error) {
	wire, unread, err := in.Body.Patch()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	t, err := h.types.Edit(ctx, by, in.Code, app.TypePatch{
		Label:        changed(&in.Body, &wire.Label),
		Unit:         changed(&in.Body, &wire.Unit),
		MaxPerMember: changed(&in.Body, &wire.MaxPerMember),
		MaxPerEvent:  changed(&in.Body, &wire.MaxPerEvent),
		MaxCount:     changed(&in.Body, &wire.MaxCount),
		Unread:       unread,
	})
	if err != nil {
		return nil, err
	}
	h.log.WarnContext(ctx, "an event type is changed", "event_type", t.Code, "by", web.Actor(ctx), "unit", t.Unit,
		"max_per_member", t.Limits.PerMember, "max_per_event", t.Limits.PerEvent, "max_count", t.Limits.Count)
	return &TypeOut{Replayed: web.Replayed(by), Body: api.FromType(t)}, nil
}
