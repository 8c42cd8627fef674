package events

import (
	"context"
	"net/http"

	"bestow/app"
	"bestow/http/api"
	"bestow/http/web"
)

// Resume answers 202 if it resumed the event, and 200 if the event was running already.
func (h *Handlers) Resume(ctx context.Context, in *StartIn) (*EventOut, error) {
	return moveEvent(ctx, in, h.events.Resume)
}

// StopIn is a request to stop an event.
type StopIn struct {
	web.Idempotent

	ID   int64 `path:"id" minimum:"1"`
	Body web.Body[api.Stop]
}

// StopOut is the answer of a stop.
type StopOut struct {
	Status int
	Body   api.Stopped
}

// Stop answers 200 when no grant of the event begins any more, and 202 while claims are open.
func (h *Handlers) Stop(ctx context.Context, in *StopIn) (*StopOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	stopped, err := h.events.Stop(ctx, by, in.ID, wire.Memo)
	if err != nil {
		return nil, err
	}
	return &StopOut{Status: drainStatus(stopped.Draining), Body: wireStopped(stopped)}, nil
}

func drainStatus(open int) int {
	if open > 0 {
		return http.StatusAccepted
	}
	return http.StatusOK
}

func wireStopped(s app.Stopped) api.Stopped {
	return api.Stopped{Event: api.FromEvent(s.Event), Draining: s.Draining}
}

// RetryIn is a request to try again what was given up.
type RetryIn struct {
	web.Idempotent

	ID   int64 `path:"id" minimum:"1"`
	Body web.Body[api.Retry]
}

// RetryOut is the answer of a retry.
type RetryOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Retried
}

// Retry answers with the number of members that are tried again; in a dry run none is.
func (h *Handlers) Retry(ctx context.Context, in *RetryIn) (*RetryOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	code := ""
	if wire.ErrorCode != nil {
		code = *wire.ErrorCode
	}
	r, err := h.events.Retry(ctx, by, in.ID, code, wire.DryRun)
	if err != nil {
		return nil, err
	}
	return &RetryOut{Replayed: web.Replayed(r.Replayed), Body: api.Retried(r.Value)}, nil
}
