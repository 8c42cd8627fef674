package events

import (
	"context"
	"net/http"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// CreateIn is a request to make an event.
type CreateIn struct {
	web.Idempotent

	Body web.Body[api.NewEvent]
}

// EventOut is an answer with one event.
type EventOut struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag" doc:"of the event's definition; it does not change with its status and counters"`
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Event
}

// Create makes an event, and answers with it.
func (h *Handlers) Create(ctx context.Context, in *CreateIn) (*EventOut, error) {
	wire, unread, err := in.Body.Read()
	if err != nil {
		return nil, err
	}
	n := newEvent(wire)
	n.Unread = unread
	made, err := h.events.Create(ctx, in.Caller(ctx, in.Body.Canonical()), n)
	if err != nil {
		return nil, err
	}
	e := made.Value
	out := &EventOut{
		Status: http.StatusCreated, Location: web.EventURL(e.ID), Replayed: web.Replayed(made.Replayed),
	}
	return out.with(e), nil
}

func newEvent(w api.NewEvent) app.NewEvent {
	n := app.NewEvent{
		CampaignID:          w.CampaignID,
		EventType:           w.EventType,
		DefaultAmount:       w.DefaultAmount,
		ExpiryAt:            w.ExpiryAt,
		Partitions:          w.PartitionCount,
		ReservationAt:       w.ReservationAt,
		ReservationPriority: w.ReservationPriority,
	}
	if w.Name != nil {
		n.Name = *w.Name
	}
	if w.DefaultReason != nil {
		n.DefaultReason = *w.DefaultReason
	}
	return n
}

func (out *EventOut) with(e domain.Event) *EventOut {
	out.Body = api.FromEvent(e)
	out.ETag = etag(out.Body)
	return out
}

// etag returns a hash of the fields that an operator defines. Counters do not change it.
func etag(e api.Event) string {
	e.EventStatus, e.FailureCode, e.TotalCount, e.TotalAmount, e.Summary = "", nil, 0, 0, api.Summary{}
	e.UpdatedAt = e.CreatedAt
	return web.Tag(e)
}

// Get answers with the event, and what it waits for.
func (h *Handlers) Get(ctx context.Context, in *web.ByID) (*EventOut, error) {
	e, err := h.events.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	waiting, err := h.reports.WaitingFor(ctx, []domain.Event{e})
	if err != nil {
		return nil, err
	}
	out := (&EventOut{Status: http.StatusOK}).with(e)
	out.Body.WaitingFor = web.Reasons(waiting[e.ID])
	return out, nil
}

// StartIn is a request to move a thing by its id.
type StartIn struct {
	web.Idempotent

	ID int64 `path:"id" minimum:"1"`
}

// Start answers 202 if it started the event, and 200 if the event was running already.
func (h *Handlers) Start(ctx context.Context, in *StartIn) (*EventOut, error) {
	return moveEvent(ctx, in, h.events.Start)
}

// moveEvent answers 202 if move moved the event, and 200 if the event was there already.
func moveEvent(
	ctx context.Context, in *StartIn,
	move func(ctx context.Context, by command.Caller, id int64,
	) (answer command.Answer[domain.Event], moved bool, err error),
) (*EventOut, error) {
	answer, moved, err := move(ctx, in.Caller(ctx, nil), in.ID)
	if err != nil {
		return nil, err
	}
	out := &EventOut{Status: http.StatusOK, Replayed: web.Replayed(answer.Replayed)}
	if moved {
		out.Status = http.StatusAccepted
	}
	return out.with(answer.Value), nil
}

// ListIn is a request for a page of events.
type ListIn struct {
	Statuses   []string `query:"event_status" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED" doc:"in any letter case; several with commas between them"`
	Type       string   `query:"event_type" pattern:"^[A-Z][A-Z0-9_]{0,19}$"`
	CampaignID string   `query:"campaign_id" maxLength:"50"`
	Words      string   `query:"q" maxLength:"100" doc:"stands in the campaign_id or the name, in any letter case"`
	CreatedBy  string   `query:"created_by" maxLength:"50" doc:"the name of the operator who made it"`
	Failures   string   `query:"has_failures" enum:"true,false" doc:"whether members were given up"`
	Limit      int      `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor     string   `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// ListOut is a page of events.
type ListOut struct{ Body api.Events }

// List answers with a page of events, the newest first.
func (h *Handlers) List(ctx context.Context, in *ListIn) (*ListOut, error) {
	before, err := web.EventCursor.Read(in.Cursor)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"campaign_id": in.CampaignID, "q": in.Words, "created_by": in.CreatedBy} {
		if err := web.CheckText(name, text); err != nil {
			return nil, err
		}
	}
	f := eventrow.Filter{
		Type: in.Type, CampaignID: in.CampaignID, Words: in.Words, CreatedBy: in.CreatedBy, Before: before,
		Limit: in.Limit + 1,
	}
	for _, s := range in.Statuses {
		f.Statuses = append(f.Statuses, domain.Status(s))
	}
	if in.Failures != "" {
		failures := in.Failures == "true"
		f.HasFailures = &failures
	}
	events, err := h.events.List(ctx, f)
	if err != nil {
		return nil, err
	}
	events, next := web.Page(events, in.Limit, func(e domain.Event) string { return web.EventCursor.Write(e.ID) })
	out := &ListOut{Body: api.Events{Items: make([]api.Event, 0, len(events)), NextCursor: next}}
	waiting, err := h.reports.WaitingFor(ctx, events)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		item := api.FromEvent(e)
		item.WaitingFor = web.Reasons(waiting[e.ID])
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}
