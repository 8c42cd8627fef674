package campaigns

import (
	"context"
	"net/http"

	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"

	"github.com/a-h/templ"
)

// overviewLanes is the most lanes that the overview shows.
const overviewLanes = 6

// overviewView is what the overview shows.
type overviewView struct {
	page.View

	Overview reports.Overview
}

// Idle reports whether nothing is granted now.
func (v overviewView) Idle() bool { return v.Overview.Running == 0 }

// Waits lists the lanes in which something waits for its time, with what waits.
func (v overviewView) Waits() (all []reports.Lane) {
	for _, lane := range v.Overview.Queue.Lanes {
		waits := reports.Lane{ReservationAt: lane.ReservationAt, Due: lane.Due}
		for _, e := range lane.Events {
			if e.Event.Status == domain.Pending {
				waits.Events = append(waits.Events, e)
			}
		}
		if len(waits.Events) > 0 && len(all) < overviewLanes {
			all = append(all, waits)
		}
	}
	return all
}

// overview answers with what runs, whether it is well, when it will be done, and what needs a person.
func (h *Handlers) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "overview")
	if err != nil {
		return err
	}
	o, err := h.App.Reports.Overview(ctx)
	if err != nil {
		return err
	}
	v := overviewOf(base, o)
	v.Title = v.T("nav.overview")
	return page.Show(w, r, http.StatusOK, overviewPage(v))
}

func overviewOf(v page.View, o reports.Overview) overviewView {
	v.Now, v.Parked, v.Live = o.At, o.Parked, true
	return overviewView{v, o}
}

// liveOverview sends how all campaigns go: their numbers each second, and the whole when another one runs, and now and
// then.
func (h *Handlers) liveOverview(w http.ResponseWriter, r *http.Request) error {
	v := h.Blank(r)
	shown := "" // the statuses of what runs, at the last tick
	return h.stream(w, r, func(ctx context.Context, tick int) (t told, err error) {
		runs, err := h.App.Reports.FollowRuns(ctx)
		if err != nil {
			return t, err
		}
		numbers, err := h.drawn.get(keyOf(v, "runs", 0), runs.At, func() (moment, error) { return runsOf(v, runs), nil })
		if err != nil {
			return t, err
		}
		t.messages = append(t.messages, numbers)
		now := statusesOf(runs)
		if tick%drawTicks == 0 || shown != "" && shown != now {
			t.add(h.drawOverview(ctx, v))
		}
		shown = now
		return t, nil
	})
}

// drawOverview draws the whole of the overview.
func (h *Handlers) drawOverview(ctx context.Context, v page.View) ([]byte, error) {
	o, err := h.App.Reports.FollowOverview(ctx)
	if err != nil {
		return nil, err
	}
	return h.drawn.get(keyOf(v, "overview", 0), o.At, func() (moment, error) {
		html, err := templ.ToGoHTML(ctx, overviewBody(overviewOf(v, o)))
		return moment{Parts: map[string]string{"overview": string(html)}}, err
	})
}

// runsOf returns the numbers of all campaigns that run.
func runsOf(v page.View, r reports.Runs) moment {
	v.Now = r.At
	m := moment{Texts: map[string]string{"clock": v.Moment(r.At, words.Clock)}, Runs: map[string]moment{}}
	for _, p := range r.All {
		m.Runs[page.Number(p.Event.ID)] = numbersOf(campaignView{View: v, Progress: p})
	}
	return m
}

// statusesOf names what runs: when it changes, the overview is drawn anew.
func statusesOf(r reports.Runs) string {
	names := page.Number(r.Running)
	for _, p := range r.All {
		names += " " + page.Number(p.Event.ID) + string(p.Event.Status)
	}
	return names
}
