package daemon

import (
	"fmt"
	stdlog "log"
	"log/slog"
	"os"
	"strings"

	"bestow/cmd/bestow/settings"

	"golang.org/x/term"
)

// NewLogger writes to standard error, as text on a terminal and as JSON otherwise.
func NewLogger(cfg settings.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, fmt.Errorf("LOG_LEVEL is %q: it must be debug, info, warn or error", cfg.LogLevel)
	}
	format := cfg.LogFormat
	if format == "" {
		format = "json"
		if term.IsTerminal(int(os.Stderr.Fd())) {
			format = "text"
		}
	}
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	}
	return nil, fmt.Errorf("LOG_FORMAT is %q: it must be text or json", format)
}

// standardLog takes what libraries write to Go's standard logger.
type standardLog struct{ log *slog.Logger }

// TakeStandardLog lets log have what libraries write to Go's standard logger from now on.
func TakeStandardLog(log *slog.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(standardLog{log})
}

// Write logs a line. net/http quotes an answer that came without a request, and it may hold a voucher's code and PIN:
// what is quoted is left out.
func (s standardLog) Write(line []byte) (int, error) {
	said, _, _ := strings.Cut(strings.TrimSpace(string(line)), " starting with ")
	s.log.Warn("a library says", "said", said)
	return len(line), nil
}
