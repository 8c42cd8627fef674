package events

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"bestow/app"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// mergePatch is the type of RFC 7396. A body of plain JSON is read in the same way.
const mergePatch = "application/merge-patch+json"

// DescribePatch describes the route of Patch.
func (h *Handlers) DescribePatch(o *huma.Operation) {
	o.Description = "A JSON merge patch: what is absent stays, null clears. " +
		"If-Match is the ETag of the event as it was read."
	o.RequestBody = mergePatchOf[api.EventPatch](h.api, "EventPatch")
}

// mergePatchOf returns the request body of a merge patch of type T, which has the name.
func mergePatchOf[T any](a *web.API, name string) *huma.RequestBody {
	patch := &huma.MediaType{Schema: web.Schema[T](a, name)}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mergePatch: patch}}
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
		CampaignID:          changedText(body, &wire.CampaignID),
		EventType:           changedText(body, &wire.EventType),
		DefaultReason:       changedText(body, &wire.DefaultReason),
		DefaultAmount:       changed(body, &wire.DefaultAmount),
		ExpiryAt:            changed(body, &wire.ExpiryAt),
		Partitions:          changed(body, &wire.PartitionCount),
		ReservationAt:       changed(body, &wire.ReservationAt),
		ReservationPriority: changed(body, &wire.ReservationPriority),
		Unread:              unread,
	}
	by := in.Caller(ctx, in.Body.Canonical())
	e, err := h.events.Edit(ctx, by, in.ID, p, matches(in.IfMatch))
	if err != nil {
		return nil, err
	}
	return (&EventOut{Status: http.StatusOK, Replayed: web.Replayed(by)}).with(e), nil
}

// changed returns what the body changes a field of its value to; null clears it.
func changed[B, T any](body *web.Body[B], field *T) app.Change[T] {
	if !body.Has(field) {
		return app.Change[T]{}
	}
	return app.SetTo(*field)
}

// changedText is changed for a text, which "" clears.
func changedText[B any](body *web.Body[B], field **string) app.Change[string] {
	switch c := changed(body, field); {
	case !c.Given:
		return app.Change[string]{}
	case c.To == nil:
		return app.SetTo("")
	default:
		return app.SetTo(*c.To)
	}
}

// matches returns a check that refuses an event whose state the If-Match header does not name; "" and * match any.
func matches(header string) func(domain.Event) error {
	return func(e domain.Event) error {
		tags := strings.Split(header, ",")
		for i := range tags {
			tags[i] = strings.TrimSpace(tags[i])
		}
		if header == "" || slices.Contains(tags, "*") || slices.Contains(tags, etag(api.FromEvent(e))) {
			return nil
		}
		return api.PreconditionFailedError("somebody has changed the event since it was read",
			"read it again, and decide anew")
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
	by := in.Caller(ctx, nil)
	if err := h.events.Delete(ctx, by, in.ID, matches(in.IfMatch)); err != nil {
		return nil, err
	}
	return &DeleteOut{Replayed: web.Replayed(by)}, nil
}
