package types

import (
	"context"

	"bestow/app/types"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeCreate describes the route of Create.
func (*Handlers) DescribeCreate(o *huma.Operation) {
	o.Description = "A process with the role jobs gives the type its tables and topics; then its state is READY, and " +
		"events of it can be made. A handler that runs must have the ledger that granter names (BESTOW_GRANTERS). " +
		"A type is never deleted."
}

// CreateIn is a request to make an event type.
type CreateIn struct {
	web.Idempotent

	Body web.Body[api.NewEventType]
}

// Create makes an event type, and answers with it before it has its tables.
func (h *Handlers) Create(ctx context.Context, in *CreateIn) (*TypeOut, error) {
	wire, unread, err := in.Body.Read()
	if err != nil {
		return nil, err
	}
	made, err := h.types.Create(ctx, in.Caller(ctx, in.Body.Canonical()), types.NewType{
		Code: wire.EventType, Label: wire.Label, Granter: wire.Granter, Operation: domain.Operation(wire.Operation),
		Unit: wire.Unit, MaxPerMember: wire.MaxPerMember, MaxPerEvent: wire.MaxPerEvent, MaxCount: wire.MaxCount,
		Unread: unread,
	})
	if err != nil {
		return nil, err
	}
	t := made.Value
	if !made.Replayed {
		h.log.WarnContext(ctx, "an event type is made", "event_type", t.Code, "by", web.Actor(ctx), "granter", t.Granter)
	}
	out := typeOut(t)
	out.Replayed = web.Replayed(made.Replayed)
	return out, nil
}
