package obs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LeftOut is the key of how many warnings and errors were written in debug only since the line before.
const LeftOut = "left_out"

// mostTexts bounds the texts that have an allowance of their own. Texts of logs are constants, and few.
const mostTexts = 64

// Sparing returns a log for a library, or for work that is tried again and again: of its warnings and errors it takes
// one of each text in the given time. It takes the others in debug, and the next one says how many they were. A server
// that is away for a minute is a line so, and not hundreds, and hides no fault that has another text.
func Sparing(log *slog.Logger, every time.Duration) *slog.Logger {
	return slog.New(sparing{log.Handler(), &allowances{every: every, byText: map[string]*allowance{}}})
}

// allowances say when the next line of a text may be written. The logs that With and WithGroup make share them.
type allowances struct {
	every time.Duration

	mu     sync.Mutex
	byText map[string]*allowance // "" is of all texts beyond mostTexts
}

type allowance struct {
	written time.Time // when a line was; zero: never
	left    int       // lines that were left out since
}

// take reports whether a line of the text may be written now, and how many were left out before it.
func (a *allowances) take(text string, now time.Time) (left int, may bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := a.of(text)
	if !one.written.IsZero() && now.Sub(one.written) < a.every {
		one.left++
		return 0, false
	}
	left, one.left, one.written = one.left, 0, now
	return left, true
}

func (a *allowances) of(text string) *allowance {
	one, known := a.byText[text]
	if !known && len(a.byText) >= mostTexts {
		text = ""
		one, known = a.byText[text]
	}
	if !known {
		one = new(allowance)
		a.byText[text] = one
	}
	return one
}

type sparing struct {
	slog.Handler

	allowances *allowances
}

// Handle writes the record, in debug where another of its text was written a moment ago.
func (s sparing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return s.Handler.Handle(ctx, r)
	}
	left, may := s.allowances.take(r.Message, r.Time)
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
	return sparing{s.Handler.WithAttrs(attrs), s.allowances}
}

// WithGroup returns such a log whose attributes stand in the group.
func (s sparing) WithGroup(name string) slog.Handler {
	return sparing{s.Handler.WithGroup(name), s.allowances}
}
