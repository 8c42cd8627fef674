package types

import (
	"context"
	"slices"

	"bestow/app/patch"
	"bestow/app/reports"
	"bestow/app/types"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// ListOut is an answer with the event types.
type ListOut struct{ Body api.EventTypes }

// List answers with all event types.
func (h *Handlers) List(ctx context.Context, _ *struct{}) (*ListOut, error) {
	list, err := h.types.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListOut{Body: api.EventTypes{Items: make([]api.EventType, len(list))}}
	unmade, err := h.reports.UnmadeTypes(ctx)
	if err != nil {
		return nil, err
	}
	for i, t := range list {
		out.Body.Items[i] = wireType(t)
		addWaiting(&out.Body.Items[i], unmade)
	}
	return out, nil
}

// ByCode is a request for one event type.
type ByCode struct {
	Code string `path:"code" example:"POINT"`
}

// Get answers with an event type.
func (h *Handlers) Get(ctx context.Context, in *ByCode) (*TypeOut, error) {
	t, err := h.types.Get(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	unmade, err := h.reports.UnmadeTypes(ctx)
	if err != nil {
		return nil, err
	}
	out := typeOut(t) // its ETag is of what is changed by PATCH, not of what it waits for
	addWaiting(&out.Body, unmade)
	return out, nil
}

// addWaiting adds what the type waits for if it is being made.
func addWaiting(t *api.EventType, unmade []reports.UnmadeType) {
	if at := slices.IndexFunc(unmade, func(u reports.UnmadeType) bool { return u.Code == t.EventType }); at >= 0 {
		t.WaitingFor = web.Reasons(unmade[at].WaitingFor)
	}
}

// DescribePatch describes the route of Patch.
func (h *Handlers) DescribePatch(o *huma.Operation) {
	o.Description = "A JSON merge patch: what is absent stays, null clears. A limit holds for each import, start, " +
		"resume and retry that begins later. In production an event starts only if its type has all three limits. " +
		"A type that is RETIRED takes no new events; what it has goes on. READY takes it back."
	o.RequestBody = web.MergePatchOf[api.EventTypePatch](h.api, "EventTypePatch")
}

// PatchIn is a request to change an event type.
type PatchIn struct {
	web.Idempotent

	Code    string `path:"code" example:"POINT"`
	IfMatch string `header:"If-Match" doc:"only if the type is still as it was read"`
	Body    web.Body[api.EventTypePatch]
}

// TypeOut is an answer with one event type.
type TypeOut struct {
	ETag     string `header:"ETag" doc:"of this state of the type, for If-Match"`
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.EventType
}

// Patch changes an event type, and answers with it as it is now. It also logs who changed the type: its limits hold
// for all.
func (h *Handlers) Patch(ctx context.Context, in *PatchIn) (*TypeOut, error) {
	wire, unread, err := in.Body.Patch()
	if err != nil {
		return nil, err
	}
	edited, err := h.types.Edit(ctx, in.Caller(ctx, in.Body.Canonical()), in.Code, types.Patch{
		Label:        web.Changed(&in.Body, &wire.Label),
		Unit:         web.Changed(&in.Body, &wire.Unit),
		MaxPerMember: web.Changed(&in.Body, &wire.MaxPerMember),
		MaxPerEvent:  web.Changed(&in.Body, &wire.MaxPerEvent),
		MaxCount:     web.Changed(&in.Body, &wire.MaxCount),
		State:        changedState(&in.Body, &wire.State),
		Was:          func(t types.Type) error { return web.Match(in.IfMatch, typeOut(t).ETag, "the event type") },
		Unread:       unread,
	})
	if err != nil {
		return nil, err
	}
	t := edited.Value
	if !edited.Replayed {
		h.log.WarnContext(ctx, "an event type is changed", "event_type", t.Code, "by", web.Actor(ctx), "state", t.State,
			"unit", t.Unit,
			"max_per_member", t.Limits.PerMember, "max_per_event", t.Limits.PerEvent, "max_count", t.Limits.Count)
	}
	out := typeOut(t)
	out.Replayed = web.Replayed(edited.Replayed)
	return out, nil
}

func changedState(body *web.Body[api.EventTypePatch], field **string) patch.Change[*domain.TypeState] {
	if !body.Has(field) {
		return patch.Change[*domain.TypeState]{}
	}
	return patch.SetTo((*domain.TypeState)(*field))
}

// typeOut returns the answer with a type.
func typeOut(t types.Type) *TypeOut {
	body := wireType(t)
	return &TypeOut{ETag: web.Tag(body), Body: body}
}

func wireType(t types.Type) api.EventType { return api.FromType(t.EventType, t.State) }
