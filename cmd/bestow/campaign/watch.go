package campaign

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"

	"github.com/go-json-experiment/json"
)

type eventWatchCmd struct {
	terminal.Format
	terminal.EventArg
}

// Run follows an event until it is at rest: an event that has not started yet is waited for. It fails if the event does
// not end COMPLETED.
func (c *eventWatchCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	w := &watch{term: t, zone: zone, json: c.Output == "json"}
	if err := w.follow(ctx, server, e.ID); err != nil {
		return err
	}
	return notCompleted(w.last)
}

// notCompleted is the error of an event that is at rest and did not complete: why, and how it goes on. nil for
// COMPLETED.
func notCompleted(p api.Progress) error {
	if p.EventStatus == string(domain.Completed) {
		return nil
	}
	e := domain.WrongStatusError(
		domain.Status(p.EventStatus),
		fmt.Sprintf("event %d is %s", p.EventID, p.EventStatus),
		fmt.Sprintf("`bestow event resume %d` continues it", p.EventID),
	)
	if p.FailureCode != nil {
		e.Message += " (" + *p.FailureCode + ")"
		e.Hint = fmt.Sprintf("when the cause is gone, `bestow event resume %d` continues it", p.EventID)
		if *p.FailureCode == domain.Mismatch {
			e.Hint = fmt.Sprintf("`bestow results list %d --error-code %s` shows what the ledger said; ", p.EventID,
				domain.Mismatch) + e.Hint
		}
	}
	if p.StoppedMemo != nil {
		e.Message += ": " + terminal.Printable(*p.StoppedMemo)
	}
	return e
}

// watch prints how an event goes, and remembers the last of it.
type watch struct {
	term   *terminal.Terminal
	zone   *time.Location
	json   bool
	last   api.Progress
	causes terminal.Causes

	settled int       // how many members were settled when that changed last
	moved   time.Time // when that was
	line    string    // the last one that was printed for a file or a pipe
	printed time.Time
}

const (
	// watchPause is the wait between two streams, of which watchFailures may fail in a row: a server that is started
	// again is not the end.
	watchPause    = time.Second
	watchFailures = 10
	// stillAfter is the time without a change after which a watch tells that, and no forecast.
	stillAfter = 3 * time.Second
	// repeatAfter is the time after which a file or a pipe gets a line again that has not changed.
	repeatAfter = 10 * time.Second
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
		case !domain.IsCode(err, domain.Unavailable) && ctx.Err() == nil && w.last.EventID == 0:
			return err
		default:
			if failures++; failures == 1 {
				w.sayAway()
			}
		}
		select {
		case <-ctx.Done():
			w.endLine()
			return ctx.Err()
		case <-time.After(watchPause):
		}
	}
	w.endLine()
	return domain.UnavailableError("the server does not answer any more",
		"the event goes on without us; watch it again later")
}

// atRest reports whether nothing more will come of itself.
func (w *watch) atRest() bool {
	return w.last.EventStatus != string(domain.Pending) && w.last.EventStatus != string(domain.Running) &&
		w.last.InFlight == 0
}

func (w *watch) show(p api.Progress) error {
	w.last = p
	if w.json {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(w.term.Out, "%s\n", line)
		return err
	}
	if settled := p.Success + p.Fail; settled != w.settled || w.moved.IsZero() || p.EventStatus != "RUNNING" {
		w.settled, w.moved = settled, time.Now()
	}
	if w.term.Interactive {
		return w.draw(p)
	}
	line := progressLine(p)
	if len(p.WaitingFor) > 0 {
		line += "  waits: " + terminal.InZone(terminal.ReasonSentences(p.WaitingFor), w.zone)
	}
	if line == w.line && time.Since(w.printed) < repeatAfter {
		return nil
	}
	w.line, w.printed = line, time.Now()
	_, err := fmt.Fprintln(w.term.Out, line+w.still())
	return err
}

// still tells how long nothing has changed, "" while something does.
func (w *watch) still() string {
	if still := time.Since(w.moved); still >= stillAfter {
		return fmt.Sprintf("  no change for %d s", int(still.Seconds()))
	}
	return ""
}

// sayAway tells a person that the service does not answer.
func (w *watch) sayAway() {
	if w.json {
		return
	}
	text := "no answer from " + w.term.URL() + ": it is asked again every second"
	if w.term.Interactive {
		text = "\r\x1b[K" + text
	}
	w.term.Say("%s", text)
}

// draw writes over the last line, which the screen's edge cuts: error codes are left out until the event is at rest,
// and what it waits for has a line of its own above.
func (w *watch) draw(p api.Progress) error {
	if text, _ := w.causes.News(p.WaitingFor); text != "" {
		if _, err := fmt.Fprintf(w.term.Out, "\r\x1b[Kwaits: %s\n", terminal.InZone(text, w.zone)); err != nil {
			return err
		}
	}
	line := progressLine(p)
	if !w.atRest() {
		line = terminal.Fit(w.runningLine(p), w.term.Screen.Width())
	}
	_, err := fmt.Fprintf(w.term.Out, "\r\x1b[K%s", line)
	return err
}

// runningLine is the line of an event at work: what a person watches for comes first.
func (w *watch) runningLine(p api.Progress) string {
	p.Failures = nil
	line := grantedText(p)
	if still := w.still(); still != "" {
		return line + still + detailText(p)
	}
	return line + speedText(p) + detailText(p)
}

// endLine leaves the line that was written over and over.
func (w *watch) endLine() {
	if w.term.Interactive && !w.json && w.last.EventID != 0 {
		_, _ = fmt.Fprintln(w.term.Out) // an error cannot be reported
	}
}

// byCode tells by which error codes members failed, as in " (account_closed 5, limit 1)"; "" where none did.
func byCode(failures map[string]int) string {
	if len(failures) == 0 {
		return ""
	}
	texts := make([]string, 0, len(failures))
	for _, code := range slices.Sorted(maps.Keys(failures)) {
		texts = append(texts, code+" "+english.Number(failures[code]))
	}
	return " (" + strings.Join(texts, ", ") + ")"
}

// progressLine says all that is known of how an event goes.
func progressLine(p api.Progress) string { return grantedText(p) + detailText(p) + speedText(p) }

// grantedText says how far an event is.
func grantedText(p api.Progress) string {
	percent := 0
	if p.Total > 0 {
		percent = 100 * (p.Success + p.Fail) / p.Total
	}
	return fmt.Sprintf("%s %3d%%  %s of %s granted, %s failed%s", p.EventStatus, percent,
		english.Number(p.Success), english.Number(p.Total), english.Number(p.Fail), byCode(p.Failures))
}

// detailText says what is left of an event, and in what state.
func detailText(p api.Progress) (text string) {
	atWork := p.EventStatus != string(domain.Stopped) && p.EventStatus != string(domain.Failed)
	switch left := p.Total - p.Success - p.Fail; {
	case !atWork && left > 0:
		text += fmt.Sprintf(", %s left", english.Number(left))
	case atWork && p.WaitingRetry > 0:
		text += fmt.Sprintf(", %s wait for a retry", english.Number(p.WaitingRetry))
	}
	if p.Unknown > 0 {
		text += fmt.Sprintf(", %s unknown", english.Number(p.Unknown))
	}
	if p.EventStatus == string(domain.Completed) && p.InFlight > 0 {
		text += fmt.Sprintf(", %s are tried again", english.Number(p.InFlight))
	}
	return text
}

// speedText says how fast an event goes, and when it will be done.
func speedText(p api.Progress) (text string) {
	if p.RatePerS > 0 {
		text += fmt.Sprintf("  %.0f/s", p.RatePerS)
	}
	if p.ETAS > 0 {
		text += fmt.Sprintf(", %s to go", time.Duration(p.ETAS)*time.Second)
	}
	return text
}
