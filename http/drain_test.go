package http

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// counted is a body without end: it counts what is read of it, and fails far behind what may be drained.
type counted struct {
	read, length int64 // length -1: without end
	atAnswer     int64 // what was read when the answer went out
}

// Read gives what is asked for.
func (b *counted) Read(p []byte) (int, error) {
	n := int64(len(p))
	if b.length >= 0 {
		n = min(n, b.length-b.read)
	}
	if n == 0 {
		return 0, io.EOF
	}
	if b.read > 2*promisedBytes {
		return 0, io.ErrUnexpectedEOF
	}
	b.read += n
	return int(n), nil
}

// Close implements io.Closer.
func (*counted) Close() error { return nil }

// promisedBytes and promisedPatience are the bounds that docs/failures.md promises (C8).
const (
	promisedBytes    = 64 << 20
	promisedPatience = 10 * time.Second
)

// connection is a writer of answers that notes how long the body may still take.
type connection struct {
	*httptest.ResponseRecorder

	body     *counted
	patience []time.Duration
}

// SetReadDeadline implements what http.ResponseController looks for.
func (c *connection) SetReadDeadline(at time.Time) error {
	c.patience = append(c.patience, time.Until(at))
	return nil
}

// WriteHeader notes how much of the body was read by then.
func (c *connection) WriteHeader(status int) {
	c.body.atAnswer = c.body.read
	c.ResponseRecorder.WriteHeader(status)
}

// What is read of a body that no handler read, before the answer and after it (C8).
func TestDrain(t *testing.T) {
	t.Parallel()
	const short = 1000
	for name, tt := range map[string]struct {
		length         int64 // of the request's head; -1: not said
		sent           int64 // -1: without end
		expect         string
		status         int
		before, after  int64 // bytes read before the answer, and in all
		closes, waited bool
	}{
		"without end":             {-1, -1, "", 401, 0, promisedBytes, true, true},
		"long":                    {70 << 10, 70 << 10, "", 401, 0, 70 << 10, true, true},
		"short":                   {short, short, "", 401, short, short, false, true},
		"short, not said":         {-1, short, "", 401, 0, short, true, true},
		"too slow already":        {-1, -1, "", 408, 0, 0, true, false},
		"waits for leave":         {1 << 30, -1, "100-Continue", 401, 0, 0, true, false},
		"waits for leave, short":  {short, short, "100-continue", 401, 0, 0, true, false},
		"another expectation":     {short, short, "200-ok", 401, short, short, false, true},
		"as long as a short is":   {shortBody, shortBody, "", 401, shortBody, shortBody, false, true},
		"a byte longer than that": {shortBody + 1, shortBody + 1, "", 401, 0, shortBody + 1, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &counted{length: tt.sent}
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", http.NoBody)
			r.Body, r.ContentLength = body, tt.length
			if tt.expect != "" {
				r.Header.Set("Expect", tt.expect)
			}
			w := &connection{ResponseRecorder: httptest.NewRecorder(), body: body}
			refuse := func(c echo.Context) error { return c.String(tt.status, "no") }
			require.NoError(t, (&server{}).answerBeforeCut(refuse)(echo.New().NewContext(r, w)))
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, "no", w.Body.String())
			require.Equal(t, tt.before, body.atAnswer, "before the answer")
			require.Equal(t, tt.after, body.read, "in all")
			require.Equal(t, tt.closes, strings.EqualFold(w.Header().Get("Connection"), "close"))
			require.Equal(t, tt.waited, len(w.patience) > 0)
			for _, p := range w.patience {
				require.Positive(t, p)
				require.LessOrEqual(t, p, promisedPatience)
			}
		})
	}
}
