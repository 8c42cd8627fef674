package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rivo/uniseg"
)

// format is the choice of output that a command gives.
type format struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"The output format: text for people, json for programs."`
}

// paging is the choice of a page.
type paging struct {
	Limit  int    `default:"20" help:"The largest number of rows, 1 to 1000."`
	Cursor string `help:"The cursor that the previous page returned."`
}

func (p paging) check() error {
	if p.Limit < 1 || p.Limit > 1000 {
		return usage("--limit is %d: it must be 1 to 1000", p.Limit)
	}
	return nil
}

// sayMore tells how to get the next page, if there is one.
func (t *terminal) sayMore(cursor *string) {
	if cursor != nil {
		t.say("there are more: --cursor %s", *cursor)
	}
}

// print writes v as JSON, or lets text write it for people.
func (f format) print(t *terminal, v any, text func() error) error {
	if f.Output != "json" {
		return text()
	}
	if err := json.MarshalWrite(t.out, v, jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err := io.WriteString(t.out, "\n")
	return err
}

// table aligns columns that are separated by tabs. It counts the columns of a terminal, of which a Korean character
// takes two: text/tabwriter counts characters.
func table(w io.Writer, rows func(w io.Writer)) error {
	var tabbed strings.Builder
	rows(&tabbed)
	lines := strings.SplitAfter(tabbed.String(), "\n")
	var widths []int
	for _, line := range lines {
		for i, cell := range padded(line) {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var aligned strings.Builder
	for _, line := range lines {
		cells := padded(line)
		for i, cell := range cells {
			aligned.WriteString(cell + strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+2))
		}
		aligned.WriteString(line[strings.LastIndexByte(line, '\t')+1:])
	}
	_, err := io.WriteString(w, aligned.String())
	return err
}

// padded returns the cells of a line that something follows.
func padded(line string) []string {
	cells := strings.Split(line, "\t")
	return cells[:len(cells)-1]
}

// zone is where people read their clocks: BESTOW_TIME_ZONE.
func (t *terminal) zone() (*time.Location, error) {
	name := t.env("BESTOW_TIME_ZONE")
	if name == "" {
		name = "Asia/Seoul"
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, usage("BESTOW_TIME_ZONE is %q: it must be a name such as Asia/Seoul", name)
	}
	return zone, nil
}

// when shows a moment in a zone, "-" for none.
func when(at *time.Time, zone *time.Location) string {
	if at == nil {
		return "-"
	}
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}

// serverTime is how the service writes a moment in a sentence.
var serverTime = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z`)

// inZone shows the moments of a sentence of the service in a zone, as all other moments are shown.
func inZone(text string, zone *time.Location) string {
	return serverTime.ReplaceAllStringFunc(text, func(moment string) string {
		at, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			return moment // digits that are no moment
		}
		return when(&at, zone)
	})
}

// orDash shows an optional value.
func orDash[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}
