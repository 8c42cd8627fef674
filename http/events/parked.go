package events

import (
	"context"
	"net/http"

	"bestow/app/parked"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// ParkedIn is a request for a page of parked messages.
type ParkedIn struct {
	Cause    string `query:"cause" enum:"undecodable,foreign,newer_version"`
	Replayed string `query:"replayed" enum:"true,false" doc:"false: only those that wait for somebody"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor   string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// ParkedOut is a page of parked messages.
type ParkedOut struct{ Body api.ParkedPage }

// ListParked answers with a page of parked messages, the newest first.
func (h *Handlers) ListParked(ctx context.Context, in *ParkedIn) (*ParkedOut, error) {
	before, err := web.ParkedCursor.Read(in.Cursor)
	if err != nil {
		return nil, err
	}
	f := parked.Filter{Cause: in.Cause, Before: before, Limit: in.Limit + 1}
	if in.Replayed != "" {
		replayed := in.Replayed == "true"
		f.Replayed = &replayed
	}
	list, err := h.parked.List(ctx, f)
	if err != nil {
		return nil, err
	}
	list, next := web.Page(list, in.Limit, func(m parked.Message) string { return web.ParkedCursor.Write(m.ID) })
	out := &ParkedOut{Body: api.ParkedPage{Items: make([]api.Parked, 0, len(list)), NextCursor: next}}
	for _, m := range list {
		p := wireParked(m)
		if !web.Principal(ctx).Role.May(domain.ReadWhole) {
			p.Detail = "hidden: it may name a member"
		}
		out.Body.Items = append(out.Body.Items, p)
	}
	return out, nil
}

func wireParked(m parked.Message) api.Parked {
	p := api.Parked{
		ID:        m.ID,
		Cause:     m.Cause,
		Detail:    m.Detail,
		Topic:     m.At.Topic,
		Partition: m.At.Partition,
		Offset:    m.At.Offset,
		At:        m.ParkedAt.UTC(),
		Size:      m.Size,
		Replayed:  m.ReplayedAt != nil,
		Replaying: m.Replaying,
	}
	if m.ReplayedAt != nil {
		at := m.ReplayedAt.UTC()
		p.ReplayedAt = &at
	}
	return p
}

// ReplayOut is the answer of a replay.
type ReplayOut struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Parked
}

// ReplayParked answers 202 if it requested the replay, and 200 if one is under way already.
func (h *Handlers) ReplayParked(ctx context.Context, in *StartIn) (*ReplayOut, error) {
	answer, err := h.parked.Replay(ctx, in.Caller(ctx, nil), in.ID)
	if err != nil {
		return nil, err
	}
	out := &ReplayOut{Status: http.StatusAccepted, Replayed: web.Replayed(answer.Replayed)}
	out.Body = wireParked(answer.Value.Message)
	if !answer.Value.Fresh {
		out.Status = http.StatusOK
	}
	return out, nil
}
