package http

import (
	"context"
	"net/http"

	"bestow/app"
	"bestow/http/api"
	"bestow/http/web"
)

// resumeEvent answers 202 if it resumed the event, and 200 if the event was running already.
func (s *server) resumeEvent(ctx context.Context, in *startIn) (*eventOut, error) {
	return moveEvent(ctx, in, s.app.Events.Resume)
}

type stopIn struct {
	web.Idempotent

	ID   int64 `path:"id" minimum:"1"`
	Body web.Body[api.Stop]
}

type stopOut struct {
	Status int
	Body   api.Stopped
}

// stopEvent answers 200 when no grant of the event begins any more, and 202 while claims are open.
func (s *server) stopEvent(ctx context.Context, in *stopIn) (*stopOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	stopped, err := s.app.Events.Stop(ctx, by, in.ID, wire.Memo)
	if err != nil {
		return nil, err
	}
	return &stopOut{Status: drainStatus(stopped.Draining), Body: wireStopped(stopped)}, nil
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

type retryIn struct {
	web.Idempotent

	ID   int64 `path:"id" minimum:"1"`
	Body web.Body[api.Retry]
}

type retryOut struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Retried
}

func (s *server) retryEvent(ctx context.Context, in *retryIn) (*retryOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	by := in.Caller(ctx, in.Body.Canonical())
	code := ""
	if wire.ErrorCode != nil {
		code = *wire.ErrorCode
	}
	r, err := s.app.Events.Retry(ctx, by, in.ID, code, wire.DryRun)
	if err != nil {
		return nil, err
	}
	return &retryOut{Replayed: web.Replayed(by), Body: api.Retried(r)}, nil
}
