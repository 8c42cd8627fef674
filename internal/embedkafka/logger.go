package embedkafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger passes kfake's warnings and errors on; the rest is a line per request.
type logger struct{ to *slog.Logger }

func newLogger(to *slog.Logger) kfake.Logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return logger{to: to}
}

// Logf implements kfake's logger.
func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	var at slog.Level
	switch level {
	case kfake.LogLevelError:
		at = slog.LevelError
	case kfake.LogLevelWarn:
		at = slog.LevelWarn
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
		return
	}
	l.to.Log(context.Background(), at, "embedded kafka", "said", fmt.Sprintf(format, args...))
}
