package http

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// These bound the rest of a body that is read and thrown away after the answer. A client that sends more, or more
// slowly, is cut off, and may lose the answer.
const (
	drainBytes    = 64 << 20
	drainPatience = 10 * time.Second
)

// A body within these bounds is read to its end before the answer.
const (
	shortBody     = 64 << 10
	shortPatience = time.Second
)

// answerBeforeCut sends the answer to a request whose body was not read to its end, and then reads the rest of the body
// within bounds. So a client sees the answer, whether it reads while it sends or afterwards.
func (s *server) answerBeforeCut(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body == nil || r.Body == http.NoBody {
			return next(c)
		}
		control := http.NewResponseController(c.Response().Writer)
		// Otherwise the first byte of an answer ends the reading, and a large body ends the connection. HTTP/2 has no
		// such switch and needs none.
		_ = control.EnableFullDuplex()
		body := &drainable{ReadCloser: r.Body}
		withBody := r.WithContext(r.Context())
		withBody.Body = body
		c.SetRequest(withBody)
		held := &heldAnswer{ResponseWriter: c.Response().Writer}
		c.Response().Writer = held
		if err := next(c); err != nil {
			c.Error(err)
		}
		body.finishShort(r, control)
		if body.ended {
			return held.release(false)
		}
		held.Header().Set("Connection", "close") // the rest of the body must not be taken for the next request
		if err := held.release(true); err != nil || held.status == http.StatusRequestTimeout || body.awaitsLeave(r) {
			return err
		}
		body.drain(control, drainBytes, drainPatience)
		return nil
	}
}

// drainable is a body that knows how far it was read.
type drainable struct {
	io.ReadCloser

	begun, ended bool
}

// Read notes the end.
func (b *drainable) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close leaves the body open, for drain: the server closes it.
func (b *drainable) Close() error { return nil }

// awaitsLeave reports whether the client sends its body only after a 100 Continue, and none was sent.
func (b *drainable) awaitsLeave(r *http.Request) bool {
	return !b.begun && strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// finishShort reads the rest of a short body before the answer, so that the connection can be used again.
func (b *drainable) finishShort(r *http.Request, control *http.ResponseController) {
	if !b.ended && r.ContentLength >= 0 && r.ContentLength <= shortBody && !b.awaitsLeave(r) {
		b.drain(control, shortBody+1, shortPatience)
	}
}

// drain reads the rest within bounds. It ignores errors, since the request is over.
func (b *drainable) drain(control *http.ResponseController, bytes int64, patience time.Duration) {
	if control.SetReadDeadline(time.Now().Add(patience)) == nil {
		_, _ = io.CopyN(io.Discard, b, bytes)
	}
}

// heldAnswer keeps a short answer back until it is whole, so that it is sent with its length while the request's body
// still comes in. A long answer, or one that is flushed, is sent as it is written.
type heldAnswer struct {
	http.ResponseWriter

	status int
	held   bytes.Buffer
	gone   bool
}

// maxHeld bounds the bytes that are kept back.
const maxHeld = 64 << 10

// WriteHeader keeps the status.
func (h *heldAnswer) WriteHeader(status int) {
	switch {
	case h.gone, status < http.StatusOK: // informational answers come before the answer
		h.ResponseWriter.WriteHeader(status)
	case h.status == 0:
		h.status = status
	}
}

// Write keeps what fits.
func (h *heldAnswer) Write(p []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if !h.gone && h.held.Len()+len(p) <= maxHeld {
		return h.held.Write(p)
	}
	if err := h.send(); err != nil {
		return 0, err
	}
	return h.ResponseWriter.Write(p)
}

// FlushError sends what was kept back; http.ResponseController calls it.
func (h *heldAnswer) FlushError() error {
	if err := h.send(); err != nil {
		return err
	}
	return http.NewResponseController(h.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the wrapped writer.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// release sends a whole answer, with its length, and flushes it if there is more to do before the handler returns.
func (h *heldAnswer) release(flush bool) error {
	if h.status == 0 {
		return nil // the connection was taken over, or the handler said nothing
	}
	if !h.gone && h.held.Len() > 0 {
		h.Header().Set("Content-Length", strconv.Itoa(h.held.Len()))
	}
	if flush {
		return h.FlushError()
	}
	return h.send()
}

func (h *heldAnswer) send() error {
	if h.gone || h.status == 0 {
		return nil
	}
	h.gone = true
	h.ResponseWriter.WriteHeader(h.status)
	_, err := h.ResponseWriter.Write(h.held.Bytes())
	return err
}
