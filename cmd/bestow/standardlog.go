package main

import (
	stdlog "log"
	"log/slog"
	"strings"
)

// standardLog takes what libraries write to Go's standard logger.
type standardLog struct{ log *slog.Logger }

// takeStandardLog lets log have what libraries write to Go's standard logger from now on.
func takeStandardLog(log *slog.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(standardLog{log})
}

// Write logs a line. net/http quotes an answer that came without a request, and it may hold a voucher's code and PIN: what
// is quoted is left out.
func (s standardLog) Write(line []byte) (int, error) {
	said, _, _ := strings.Cut(strings.TrimSpace(string(line)), " starting with ")
	s.log.Warn("a library says", "said", said)
	return len(line), nil
}
