package terminal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"

	"github.com/go-json-experiment/json"
)

// The exit codes: done, failed, wrong usage.
const (
	ExitDone = iota
	ExitFailed
	ExitUsage
)

// UsageError is a command line that cannot be worked.
type UsageError struct{ error }

// Usage says what is wrong with a command line; the command ends with exit code 2.
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Fail prints what went wrong and what to do next, and returns the exit code.
func (t *Terminal) Fail(err error) int {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if t.AsJSON {
		t.failJSON(err)
		return exitCode(err)
	}
	zone, zoneErr := t.Zone()
	if zoneErr != nil {
		zone = time.UTC // err tells of it, or is of a command that needs none
	}
	t.Say("bestow: %s", InZone(err.Error(), zone))
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for _, f := range e.Fields {
			t.Say("  %s: %s", strings.TrimPrefix(f.Name, "query."), f.Message)
		}
		t.sayRejected(err)
		if e.Hint != "" {
			t.Say("  %s", e.Hint)
		}
	}
	if exitCode(err) == ExitUsage {
		t.Say("  `bestow --help` lists the commands, `bestow COMMAND --help` what one takes")
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if _, ok := errors.AsType[UsageError](err); ok {
		return ExitUsage
	}
	return ExitFailed
}

// failure is an error with -o json, on standard error: its names are those of the API's problems.
type failure struct {
	Detail       string            `json:"detail"`
	Code         string            `json:"code,omitempty"`
	Hint         string            `json:"hint,omitempty"`
	Errors       []api.FieldError  `json:"errors,omitempty"`
	Rejected     int               `json:"rejected,omitzero"`
	RejectedRows []api.RejectedRow `json:"rejected_rows,omitempty"`
}

func (t *Terminal) failJSON(err error) {
	f := failure{Detail: err.Error()}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		f.Code, f.Hint = e.Code, e.Hint
		for _, field := range e.Fields {
			f.Errors = append(f.Errors, api.FieldError{Location: field.Name, Message: field.Message})
		}
	}
	if r, ok := errors.AsType[*client.RejectedError](err); ok {
		f.Rejected, f.RejectedRows = r.Rejected, r.Rows
	}
	_ = json.MarshalWrite(t.Err, f) // the exit code tells it too
	t.Say("")
}

// MaxPrinted is the most rejected rows that a person is shown.
const MaxPrinted = 10

func (t *Terminal) sayRejected(err error) {
	r, ok := errors.AsType[*client.RejectedError](err)
	if !ok {
		return
	}
	for _, row := range r.Rows[:min(MaxPrinted, len(r.Rows))] {
		t.Say("  line %d: %s: %s", row.Line, row.ErrorCode, row.Reason)
	}
	if more := r.Rejected - MaxPrinted; more > 0 {
		t.Say("  and %s more", english.Number(more))
	}
}
