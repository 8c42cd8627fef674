package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
)

// EventStream is the type of server-sent events.
const EventStream = "text/event-stream"

// Download is an answer that is written while its rows are read.
type Download struct {
	Body func(huma.Context)
}

// A client must take something of a stream within writePatience.
const writePatience = 30 * time.Second

// SteadyWriter writes to a client that may read slowly, but not stand still.
type SteadyWriter struct{ w http.ResponseWriter }

// NewSteadyWriter returns the writer of the request's answer.
func NewSteadyWriter(ctx huma.Context) *SteadyWriter {
	return Steady(humaecho.UnwrapV4(ctx).Response())
}

// Steady returns the writer of an answer.
func Steady(w http.ResponseWriter) *SteadyWriter { return &SteadyWriter{w} }

func (w *SteadyWriter) control() *http.ResponseController {
	return http.NewResponseController(w.w)
}

// Write sends p within writePatience.
func (w *SteadyWriter) Write(p []byte) (int, error) {
	control := w.control()
	if err := control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return 0, fmt.Errorf("bound a write: %w", err)
	}
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection's next answer has its own deadline
	return w.w.Write(p)
}

// Flush sends what net/http still holds.
func (w *SteadyWriter) Flush() error { return w.control().Flush() }

// Cut ends the connection in the middle of the answer.
func (w *SteadyWriter) Cut() { Cut(w.w) }

// Cut ends the connection in the middle of an answer, so that the client does not take it for a whole one.
func Cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close() // nothing more is sent, even if it fails
	}
}
