package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the choice of output that a command gives.
type Format struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"The output format: text for people, json for programs."`
}

// Paging is the choice of a page.
type Paging struct {
	Limit  int    `default:"20" help:"The largest number of rows, 1 to 1000."`
	Cursor string `help:"The cursor that the previous page returned."`
}

// Check refuses a page that is too small or too large.
func (p Paging) Check() error {
	if p.Limit < 1 || p.Limit > 1000 {
		return Usage("--limit is %d: it must be 1 to 1000", p.Limit)
	}
	return nil
}

// SayMore tells how to get the next page, if there is one.
func (t *Terminal) SayMore(cursor *string) {
	if cursor != nil {
		t.Say("there are more: --cursor %s", *cursor)
	}
}

// Print writes v as JSON, or lets text write it for people.
func (f Format) Print(t *Terminal, v any, text func() error) error {
	if f.Output != "json" {
		return text()
	}
	if err := json.MarshalWrite(t.Out, v, jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err := io.WriteString(t.Out, "\n")
	return err
}

// OrDash shows an optional value.
func OrDash[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

// Printable writes a text of another program for a terminal: what is not seen there is a blank.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
