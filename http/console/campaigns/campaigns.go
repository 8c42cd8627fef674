package campaigns

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"bestow/app/eventrow"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// pageSize is how many rows a page of a list has.
const pageSize = 50

// filters are the fields by which a list may be narrowed.
var filters = []string{"q", "event_status", "event_type"}

// campaignsView is what the list of campaigns shows.
type campaignsView struct {
	page.View

	Campaigns []domain.Event
	Types     []domain.EventType
	Filter    url.Values
	Next      string // the path of the next page; "" on the last one
	First     bool   // it is the first page
}

// Filtered reports whether the list leaves campaigns out.
func (v campaignsView) Filtered() bool {
	return cmp.Or(v.Filter.Get("q"), v.Filter.Get("event_status"), v.Filter.Get("event_type")) != ""
}

// Statuses lists those by which the list may be narrowed.
func (campaignsView) Statuses() []domain.Status { return domain.Statuses() }

// campaigns answers with a page of the campaigns, the newest first.
func (h *Handlers) campaigns(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "campaigns")
	if err != nil {
		return err
	}
	v := campaignsView{View: base, Filter: r.URL.Query()}
	v.Title = v.T("nav.campaigns")
	for _, field := range filters {
		if err := web.CheckText(field, v.Filter.Get(field)); err != nil {
			return err
		}
	}
	before, err := web.EventCursor.Read(v.Filter.Get("cursor"))
	if err != nil {
		return err
	}
	v.First = before == 0
	f := eventrow.Filter{
		Type: v.Filter.Get("event_type"), Words: v.Filter.Get("q"), Before: before, Limit: pageSize + 1,
	}
	if status := v.Filter.Get("event_status"); status != "" {
		f.Statuses = []domain.Status{domain.Status(status)}
	}
	v.Campaigns, err = h.App.Events.List(ctx, f)
	if err != nil {
		return err
	}
	var next *string
	v.Campaigns, next = web.Page(v.Campaigns, pageSize, func(e domain.Event) string { return web.EventCursor.Write(e.ID) })
	if next != nil {
		query := url.Values{"cursor": {*next}}
		for _, field := range filters {
			if value := v.Filter.Get(field); value != "" {
				query.Set(field, value)
			}
		}
		v.Next = page.Home + "/campaigns?" + query.Encode()
	}
	all, err := h.App.Types.List(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		v.Types = append(v.Types, t.EventType)
	}
	return page.Show(w, r, http.StatusOK, campaignsPage(v))
}

// moved returns the last moment at which the campaign began or ended, or its reserved time, and the key of its word.
func moved(e domain.Event) (at *time.Time, word string) {
	switch {
	case e.Status == domain.Pending && e.ReservationAt != nil:
		return e.ReservationAt, "starts"
	case e.Status == domain.Pending:
		return &e.CreatedAt, "made"
	case e.Status == domain.Running && e.Summary.StartedAt != nil:
		return e.Summary.StartedAt, "started"
	case e.Status == domain.Stopped && e.Summary.StoppedAt != nil:
		return e.Summary.StoppedAt, "stopped"
	case e.Summary.CompletedAt != nil:
		return e.Summary.CompletedAt, "ended"
	}
	return &e.UpdatedAt, "ended"
}

// summarySum is the sum of a campaign in a list, which knows its summary alone: what is sent and not settled is told as
// in Kafka.
func summarySum(e domain.Event) reports.Sum {
	s := reports.Sum{Total: e.TotalCount, Granted: e.Summary.Success, GivenUp: e.Summary.Fail}
	s.Unsent = max(0, min(e.TotalCount-e.Summary.Published, s.Left()))
	s.InKafka = s.Left() - s.Unsent
	return s
}
