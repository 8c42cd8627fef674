package obs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LeftOut is the key of how many warnings and errors were written in debug only since the line before.
const LeftOut = "left_out"

// Sparing returns a log for a library, or for work that is tried again and again: of its warnings and errors it takes
// one in the given time. It takes the others in debug, and the next one says how many they were. A server that is away
// for a minute is one line so, and not hundreds.
func Sparing(log *slog.Logger, every time.Duration) *slog.Logger {
	return slog.New(sparing{log.Handler(), &allowance{every: every}})
}

// allowance says when the next line may be written. It is shared by the logs that With and WithGroup make.
type allowance struct {
	every time.Duration

	mu      sync.Mutex
	written time.Time // when a line was; zero: never
	left    int       // lines that were left out since
}

// take reports whether a line may be written now, and how many were left out before it.
func (a *allowance) take(now time.Time) (left int, may bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.written.IsZero() && now.Sub(a.written) < a.every {
		a.left++
		return 0, false
	}
	left, a.left, a.written = a.left, 0, now
	return left, true
}

type sparing struct {
	slog.Handler

	allowance *allowance
}

// Handle writes the record, in debug where another was written a moment ago.
func (s sparing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return s.Handler.Handle(ctx, r)
	}
	left, may := s.allowance.take(r.Time)
	if !may {
		if !s.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		r.Level = slog.LevelDebug
	} else if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int(LeftOut, left))
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs returns such a log whose records have the attributes.
func (s sparing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sparing{s.Handler.WithAttrs(attrs), s.allowance}
}

// WithGroup returns such a log whose attributes stand in the group.
func (s sparing) WithGroup(name string) slog.Handler {
	return sparing{s.Handler.WithGroup(name), s.allowance}
}
