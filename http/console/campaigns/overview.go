package campaigns

import (
	"context"
	"net/http"

	"bestow/app/eventrow"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// overviewRuns is the most running campaigns that the overview shows whole; the list has all of them.
const overviewRuns = 8

// overviewDone is how many of the last finished campaigns the overview shows.
const overviewDone = 6

// overviewView is what the overview shows.
type overviewView struct {
	page.View

	Runs     []reports.Progress
	Finished []domain.Event
	Standing []reports.Standing // what events stand still for
	Lanes    []reports.Lane     // with something that waits for its time
}

// Idle reports whether nothing is granted now.
func (v overviewView) Idle() bool { return len(v.Running) == 0 }

// overview answers with what runs, whether it is well, when it will be done, and what needs a person.
func (h *Handlers) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "overview")
	if err != nil {
		return err
	}
	v := overviewView{View: base}
	v.Title = v.T("nav.overview")
	for _, e := range v.Running[:min(len(v.Running), overviewRuns)] {
		p, err := h.App.Reports.Follow(ctx, e.ID)
		if err != nil {
			return err
		}
		v.Runs = append(v.Runs, p)
	}
	if v.Standing, err = h.App.Reports.StandingStill(ctx); err != nil {
		return err
	}
	if err := h.readNext(ctx, &v); err != nil {
		return err
	}
	v.Finished, err = h.finished(ctx)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, overviewPage(v))
}

// readNext reads the lanes in which something waits for its time.
func (h *Handlers) readNext(ctx context.Context, v *overviewView) error {
	q, err := h.App.Reports.Queue(ctx)
	if err != nil {
		return err
	}
	v.Now = q.At
	for _, lane := range q.Lanes {
		waits := reports.Lane{ReservationAt: lane.ReservationAt, Due: lane.Due}
		for _, e := range lane.Events {
			if e.Event.Status == domain.Pending {
				waits.Events = append(waits.Events, e)
			}
		}
		if len(waits.Events) > 0 && len(v.Lanes) < overviewDone {
			v.Lanes = append(v.Lanes, waits)
		}
	}
	return nil
}

// finished reads the newest campaigns that are at their end, or that a person or a fault has stopped.
func (h *Handlers) finished(ctx context.Context) (all []domain.Event, err error) {
	for _, status := range []domain.Status{domain.Completed, domain.Stopped, domain.Failed} {
		events, err := h.App.Events.List(ctx, eventrow.Filter{Statuses: []domain.Status{status}, Limit: overviewDone})
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return newestFirst(all, overviewDone), nil
}
