package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// An upload that comes slowly and steadily, above the least pace, goes on from window to window.
func TestSteadyUpload(t *testing.T) {
	t.Parallel()
	var deadlines []time.Duration
	u := &Upload{
		body:     iotestOneByte{strings.NewReader(strings.Repeat("x", 100))},
		deadline: func(at time.Time) error { deadlines = append(deadlines, time.Until(at)); return nil },
		Limits:   UploadLimits{Window: time.Nanosecond, Bytes: 1},
	}
	got, err := io.ReadAll(u)
	require.NoError(t, err)
	require.Len(t, got, 100)
	u = &Upload{
		body: iotestOneByte{strings.NewReader("xx")}, deadline: u.deadline,
		Limits: UploadLimits{Window: time.Nanosecond, Bytes: 2},
	}
	_, err = io.ReadAll(u)
	require.Error(t, err, "a byte a window is too little")
}

// iotestOneByte reads a byte at a time.
type iotestOneByte struct{ io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// Each read of an upload has a wait of its own, and what goes wrong with it is told as the sender's.
func TestUploadErrors(t *testing.T) {
	t.Parallel()
	a := New(echo.New(), slog.New(slog.DiscardHandler))
	for want, cause := range map[int]error{408: os.ErrDeadlineExceeded, 400: io.ErrUnexpectedEOF, 503: errStopping} {
		u := &Upload{body: errorReader{cause}, deadline: func(time.Time) error { return nil }, Limits: DefaultUploadLimits()}
		_, err := u.Read(make([]byte, 1))
		require.Equal(t, want, a.Problem(t.Context(), fmt.Errorf("read member list: %w", err)).Status)
	}
	u := &Upload{deadline: func(time.Time) error { return errors.New("gone") }}
	_, err := u.Read(nil)
	require.Equal(t, http.StatusBadRequest, a.Problem(t.Context(), err).Status)
}
