package events

import (
	"context"
	"net/http"

	"bestow/app"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribePatch describes the route of Patch.
func (h *Handlers) DescribePatch(o *huma.Operation) {
	o.Description = "A JSON merge patch: what is absent stays, null clears. " +
		"If-Match is the ETag of the event as it was read."
	o.RequestBody = web.MergePatchOf[api.EventPatch](h.api, "EventPatch")
}

// PatchIn is a request to change an event.
type PatchIn struct {
	web.Idempotent

	ID      int64  `path:"id" minimum:"1"`
	IfMatch string `header:"If-Match" doc:"the ETag of the event as it was read; without it 428"`
	Body    web.Body[api.EventPatch]
}

// Patch changes an event that is PENDING, and answers with it as it is now.
func (h *Handlers) Patch(ctx context.Context, in *PatchIn) (*EventOut, error) {
	wire, unread, err := in.Body.Patch()
	if err != nil {
		return nil, err
	}
	if in.IfMatch == "" {
		return nil, api.PreconditionRequiredError("the change does not say which state of the event it is of",
			"GET the event and send its ETag as If-Match")
	}
	body := &in.Body
	p := app.EventPatch{
		CampaignID:          web.ChangedText(body, &wire.CampaignID),
		Name:                web.ChangedText(body, &wire.Name),
		EventType:           web.ChangedText(body, &wire.EventType),
		DefaultReason:       web.ChangedText(body, &wire.DefaultReason),
		DefaultAmount:       web.Changed(body, &wire.DefaultAmount),
		ExpiryAt:            web.Changed(body, &wire.ExpiryAt),
		Partitions:          web.Changed(body, &wire.PartitionCount),
		ReservationAt:       web.Changed(body, &wire.ReservationAt),
		ReservationPriority: web.Changed(body, &wire.ReservationPriority),
		Unread:              unread,
	}
	edited, err := h.events.Edit(ctx, in.Caller(ctx, in.Body.Canonical()), in.ID, p, matches(in.IfMatch))
	if err != nil {
		return nil, err
	}
	return (&EventOut{Status: http.StatusOK, Replayed: web.Replayed(edited.Replayed)}).with(edited.Value), nil
}

// matches returns a check that refuses an event whose state the If-Match header does not name; "" and * match any.
func matches(header string) func(domain.Event) error {
	return func(e domain.Event) error {
		return web.Match(header, etag(api.FromEvent(e)), "the event")
	}
}

// DeleteIn is a request to delete an event.
type DeleteIn struct {
	web.Idempotent

	ID      int64  `path:"id" minimum:"1"`
	IfMatch string `header:"If-Match" doc:"only if the event is still as it was read"`
}

// DeleteOut is the answer when an event is deleted.
type DeleteOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
}

// Delete deletes an event that was never started. It takes as long as the event's targets take.
func (h *Handlers) Delete(ctx context.Context, in *DeleteIn) (*DeleteOut, error) {
	replayed, err := h.events.Delete(ctx, in.Caller(ctx, nil), in.ID, matches(in.IfMatch))
	if err != nil {
		return nil, err
	}
	return &DeleteOut{Replayed: web.Replayed(replayed)}, nil
}
