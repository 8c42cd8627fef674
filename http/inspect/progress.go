package inspect

import (
	"context"
	"net/http"
	"strings"
	"time"

	"bestow/app/known"
	"bestow/app/reports"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// accessTicks is how many ticks a stream goes on until it looks whether its caller still has access.
const accessTicks = int(known.For / reports.Tick)

// DescribeProgress describes the route of Progress.
func (h *Handlers) DescribeProgress(o *huma.Operation) {
	o.Description = "With `Accept: text/event-stream` a message each second, until the event is at rest."
	schema := web.Schema[api.Progress](h.api, "Progress")
	o.Responses = map[string]*huma.Response{"200": {
		Description: "How it goes now",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}, web.EventStream: {Schema: schema}},
	}}
}

// Progress answers once, or follows the event as server-sent events.
func (h *Handlers) Progress(ctx context.Context, in *web.ByID) (*web.Download, error) {
	first, err := h.readProgress(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &web.Download{Body: func(ctx huma.Context) {
		if strings.Contains(ctx.Header("Accept"), web.EventStream) {
			h.follow(ctx, in.ID, first)
			return
		}
		writeJSON(ctx, wireProgress(first))
	}}, nil
}

func (h *Handlers) readProgress(ctx context.Context, id int64) (reports.Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	return h.reports.Progress(ctx, id)
}

// follow sends p, and then the event's progress until the event is at rest, the client has gone or has no access any
// more, the listener stops or the database does not answer. It runs in the request's own goroutine, so it leaves
// nothing behind.
func (h *Handlers) follow(ctx huma.Context, id int64, p reports.Progress) {
	ctx.SetHeader("Content-Type", web.EventStream)
	ctx.SetHeader("X-Accel-Buffering", "no") // otherwise a proxy would hold the messages back
	ctx.SetStatus(http.StatusOK)
	clock := time.NewTicker(reports.Tick)
	defer clock.Stop()
	for n := 1; ; n++ {
		if err := sendEvent(web.NewSteadyWriter(ctx), wireProgress(p)); err != nil || p.AtRest() {
			return
		}
		select {
		case <-clock.C:
		case <-ctx.Context().Done():
			return
		case <-web.Stopping(ctx.Context()):
			return
		}
		if n%accessTicks == 0 && !web.MayGoOn(ctx.Context()) {
			return // the client reconnects, and is told why it may not
		}
		var err error
		if p, err = h.reports.Follow(ctx.Context(), id); err != nil {
			_ = h.api.Problem(ctx.Context(), err) // logs it; the client reconnects and gets the error
			return
		}
	}
}

func sendEvent(w *web.SteadyWriter, p api.Progress) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte("data: " + string(data) + "\n\n")); err != nil {
		return err
	}
	return w.Flush()
}

func wireProgress(p reports.Progress) api.Progress {
	return api.Progress{
		EventID:      p.Event.ID,
		EventStatus:  string(p.Event.Status),
		Total:        p.Event.TotalCount,
		Published:    p.Event.Summary.Published,
		Success:      p.Event.Summary.Success,
		Fail:         p.Event.Summary.Fail,
		RetrySuccess: p.Event.Summary.RetrySuccess,
		WaitingRetry: p.WaitingRetry,
		NextRetryAt:  p.NextRetryAt,
		Unknown:      p.Unknown,
		InFlight:     p.InFlight,
		RatePerS:     p.RatePerS,
		ETAS:         p.ETAS,
		Lag:          wireLag(p.Lag),
		WaitingFor:   web.Reasons(p.WaitingFor),
		Failures:     p.Failures,
		Sum:          api.Sum(p.Sum),
		FailureCode:  api.OrNull(p.Event.FailureCode),
		StoppedMemo:  api.OrNull(p.Event.Summary.StoppedMemo),
	}
}

func wireLag(l reports.Lag) api.Lag {
	return api.Lag{Relay: api.Waiting(l.Relay), Kafka: api.Waiting(l.Kafka), Ledger: api.Waiting(l.Ledger)}
}
