package demo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"bestow/app/reports"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
)

// blindness bounds the time that the watching demo goes on without news of the events, since it kills the processes
// that tell it.
const blindness = chaosReady

// How long a cause lasts before the demo tells it. Where the demo kills processes, each kill is a cause for some
// seconds.
const (
	causeLasts      = 2 * time.Second
	chaosCauseLasts = 10 * time.Second
)

// watch draws how far the events are until both are COMPLETED. first is when every member had been asked for once.
func (d *demo) watch(ctx context.Context, events []domain.Event, s *bar) (first time.Time, err error) {
	w, err := d.waits()
	if err != nil {
		return first, err
	}
	return d.follow(ctx, events, s, w)
}

// follow draws and tells how far the events are, again and again.
func (d *demo) follow(ctx context.Context, events []domain.Event, s *bar, w *waits) (first time.Time, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	seen := time.Now()
	for {
		g, err := d.look(ctx, events)
		switch {
		case err == nil:
			seen = time.Now()
			if first.IsZero() && g.settled+g.waiting >= s.max {
				first = time.Now()
			}
			s.draw(g.settled)
			w.tell(s, g.settled, g.causes)
			if g.open == 0 {
				return first, nil
			}
		case ctx.Err() != nil:
		case d.chaos == nil || errors.Is(err, errRest) || time.Since(seen) > blindness:
			return first, err
		}
		select {
		case <-ctx.Done():
			s.leave()
			return first, errors.New("interrupted; what was granted stays granted, and the next start goes on")
		case <-tick.C:
		}
	}
}

// waits tells above a screen what its events wait for, when none of them has moved for a while, and when one moves
// again.
type waits struct {
	lasts   time.Duration
	zone    *time.Location
	settled int    // the members of all events that were settled when an event moved last
	now     string // what the events wait for
	since   time.Time
	told    terminal.Causes
}

func (d *demo) waits() (*waits, error) {
	zone, err := d.zone()
	if err != nil {
		return nil, err
	}
	w := &waits{lasts: causeLasts, zone: zone, since: time.Now()}
	if d.chaos != nil {
		w.lasts = chaosCauseLasts
	}
	return w, nil
}

// tell compares with the last look. An event may wait while another one moves: that is not told.
func (w *waits) tell(s *bar, settled int, reasons []api.Reason) {
	moves := settled != w.settled
	if same := terminal.SameCause(reasons); moves || same != w.now {
		w.now, w.settled, w.since = same, settled, time.Now()
	}
	switch {
	case moves:
		reasons = nil
	case time.Since(w.since) < w.lasts:
		return
	}
	switch text, changed := w.told.News(reasons); {
	case text != "":
		s.above(s.line.screen.Doubtful, "waits", "%s", localTimes(text, w.zone))
	case changed && settled < s.max:
		s.above(s.line.screen.Good, "goes on", "")
	}
}

// utcTime is a time as the API writes it in a text.
var utcTime = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// localTimes writes the times of a text as the clock of a zone shows them.
func localTimes(text string, zone *time.Location) string {
	return utcTime.ReplaceAllStringFunc(text, func(utc string) string {
		at, err := time.Parse(time.RFC3339, utc)
		if err != nil { // digits that are no time
			return utc
		}
		return at.In(zone).Format("15:04:05 MST")
	})
}

// errRest holds what watch returns for an event that does not go on by itself.
var errRest = errors.New("it does not go on by itself")

// overall says how far all events are together.
type overall struct {
	settled, waiting int
	open             int // events that are not COMPLETED
	causes           []api.Reason
}

// look counts the members who are settled and those who wait for a retry, and the events that are not COMPLETED.
func (d *demo) look(ctx context.Context, events []domain.Event) (all overall, err error) {
	for _, e := range events {
		g, err := d.glance(ctx, e.ID)
		if err != nil {
			return overall{}, err
		}
		all.settled, all.waiting = all.settled+g.settled, all.waiting+g.waiting
		for _, r := range g.causes {
			if !slices.ContainsFunc(all.causes, func(known api.Reason) bool { return known.Code == r.Code }) {
				all.causes = append(all.causes, r)
			}
		}
		switch g.status {
		case domain.Completed:
		case domain.Failed, domain.Stopped:
			return overall{}, fmt.Errorf("event %d is %s: %w", e.ID, g.status, errRest)
		case domain.Pending, domain.Running:
			all.open++
		}
	}
	return all, nil
}

// glance says how far an event is.
type glance struct {
	settled, waiting int
	status           domain.Status
	causes           []api.Reason // what it waits for
}

// glance asks how far an event is: the API, where that is a process of its own, so that the bar stands while it is
// dead.
func (d *demo) glance(ctx context.Context, event int64) (glance, error) {
	if d.chaos != nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		p, err := d.chaos.api.Progress(ctx, event)
		return glance{p.Success + p.Fail, p.WaitingRetry, domain.Status(p.EventStatus), p.WaitingFor}, err
	}
	p, err := d.process.App.Reports.Progress(ctx, event)
	return glance{
		p.Event.Summary.Success + p.Event.Summary.Fail, p.WaitingRetry, p.Event.Status,
		wireReasons(p.WaitingFor),
	}, err
}

func wireReasons(reasons []reports.Reason) []api.Reason {
	wire := make([]api.Reason, len(reasons))
	for i, r := range reasons {
		wire[i] = api.Reason(r)
	}
	return wire
}
