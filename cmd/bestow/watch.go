package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"

	"github.com/go-json-experiment/json"
	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

type eventWatchCmd struct {
	format
	eventArg
}

// Run follows an event until it is at rest: an event that has not started yet is waited for. It fails if the event does
// not end COMPLETED.
func (c *eventWatchCmd) Run(ctx context.Context, t *terminal) error {
	server, e, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	w := &watch{term: t, json: c.Output == "json"}
	if err := w.follow(ctx, server, e.ID); err != nil {
		return err
	}
	if w.last.EventStatus != string(domain.Completed) {
		return fmt.Errorf("event %d is %s", e.ID, w.last.EventStatus)
	}
	return nil
}

// watch prints how an event goes, and remembers the last of it.
type watch struct {
	term *terminal
	json bool
	last api.Progress
}

// The waits between two streams, and how many may fail in a row: a server that is started again is not the end.
const (
	watchPause    = time.Second
	watchFailures = 10
)

func (w *watch) follow(ctx context.Context, server *client.Client, id int64) error {
	for failures := 0; failures < watchFailures; {
		err := server.Follow(ctx, id, w.show)
		switch {
		case err == nil && w.atRest():
			w.endLine()
			return nil
		case err == nil:
			failures = 0
		case !errors.Is(err, &domain.Error{Code: domain.Unavailable}) && ctx.Err() == nil && w.last.EventID == 0:
			return err
		default:
			failures++
		}
		select {
		case <-ctx.Done():
			w.endLine()
			return ctx.Err()
		case <-time.After(watchPause):
		}
	}
	w.endLine()
	return &domain.Error{Code: domain.Unavailable, Message: "the server does not answer any more", Hint: "the event goes on without us; watch it again later"}
}

// atRest says whether nothing more will come of itself.
func (w *watch) atRest() bool {
	return w.last.EventStatus != string(domain.Pending) && w.last.EventStatus != string(domain.Running) && w.last.InFlight == 0
}

func (w *watch) show(p api.Progress) error {
	w.last = p
	if w.json {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(w.term.out, "%s\n", line)
		return err
	}
	if w.term.interactive {
		_, err := fmt.Fprintf(w.term.out, "\r\x1b[K%s", fit(progressLine(p), screenWidth()))
		return err
	}
	_, err := fmt.Fprintln(w.term.out, progressLine(p))
	return err
}

// endLine leaves the line that was written over and over.
func (w *watch) endLine() {
	if w.term.interactive && !w.json && w.last.EventID != 0 {
		_, _ = fmt.Fprintln(w.term.out) // nobody is left to tell
	}
}

// screenWidth is the number of columns of the terminal, 0 where it is not known.
func screenWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// fit cuts a line that takes more columns than width: a line that the terminal breaks in two cannot be written over. A
// Korean character takes two columns. 0: any width.
func fit(line string, width int) string {
	if width < 2 || uniseg.StringWidth(line) < width {
		return line
	}
	kept, columns := 0, 0
	for characters := uniseg.NewGraphemes(line); characters.Next(); {
		if columns += characters.Width(); columns > width-2 {
			break
		}
		_, kept = characters.Positions()
	}
	return line[:kept] + "…"
}

// reasonTexts joins what is waited for, each by its code and in words; "-" for nothing.
func reasonTexts(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Code + ": " + r.Text
	}
	return strings.Join(texts, "; ")
}

// reasonCodes joins the codes of what is waited for; "-" for nothing.
func reasonCodes(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, ",")
}

// byCode tells by which error codes members failed, as in " (account_closed 5, limit 1)"; "" where none did.
func byCode(failures map[string]int) string {
	if len(failures) == 0 {
		return ""
	}
	texts := make([]string, 0, len(failures))
	for _, code := range slices.Sorted(maps.Keys(failures)) {
		texts = append(texts, code+" "+thousands(failures[code]))
	}
	return " (" + strings.Join(texts, ", ") + ")"
}

func progressLine(p api.Progress) string {
	percent := 0
	if p.Total > 0 {
		percent = 100 * (p.Success + p.Fail) / p.Total
	}
	line := fmt.Sprintf("%s %3d%%  %s of %s granted, %s failed%s", p.EventStatus, percent,
		thousands(p.Success), thousands(p.Total), thousands(p.Fail), byCode(p.Failures))
	if p.WaitingRetry > 0 {
		line += fmt.Sprintf(", %s wait for a retry", thousands(p.WaitingRetry))
	}
	if p.Unknown > 0 {
		line += fmt.Sprintf(", %s unknown", thousands(p.Unknown))
	}
	if p.EventStatus == string(domain.Completed) && p.InFlight > 0 {
		line += fmt.Sprintf(", %s are tried again", thousands(p.InFlight))
	}
	if p.RatePerS > 0 {
		line += fmt.Sprintf("  %.0f/s", p.RatePerS)
	}
	if p.ETAS > 0 {
		line += fmt.Sprintf(", %s to go", time.Duration(p.ETAS)*time.Second)
	}
	if len(p.WaitingFor) > 0 {
		line += "  waiting for " + reasonTexts(p.WaitingFor)
	}
	return line
}
