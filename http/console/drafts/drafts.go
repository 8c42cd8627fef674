// Package drafts is how a person makes a campaign in three steps: its details, its list, and a last look at what it
// grants.
//
// Start with Handlers.Routes. What a form says is read in form.go, a list comes in by list.go.
package drafts

import (
	"context"
	"net/http"
	"strings"

	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// Handlers are the handlers of the pages of drafts.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	read := page.Access{}
	operate := page.Access{Right: domain.Operate}
	const all, one = page.Home + "/campaigns", page.Home + "/campaigns/:id"
	return []page.Route{
		{Method: "GET", Path: all + "/new", Access: read, Handle: h.newPage},
		{Method: "POST", Path: all + "/new", Access: operate, Handle: h.create},
		{Method: "GET", Path: all + "/form.csv", Access: read, Handle: h.blankForm},
		{Method: "GET", Path: one + "/edit", Access: read, Handle: h.editPage},
		{Method: "POST", Path: one + "/edit", Access: operate, Handle: h.edit},
		{Method: "GET", Path: one + "/list", Access: read, Handle: h.listPage},
		{Method: "POST", Path: one + "/list", Access: operate, Handle: h.upload},
		{Method: "POST", Path: one + "/list/:import/take-back", Access: operate, Handle: h.takeBack},
		{Method: "GET", Path: one + "/list/:import/rejected", Access: page.Access{Right: domain.ReadWhole}, Handle: h.rejected},
		{Method: "GET", Path: one + "/review", Access: read, Handle: h.review},
	}
}

// draftView is what the pages of a campaign's steps show.
type draftView struct {
	page.View

	Event domain.Event
	Step  int // 1, 2 or 3
	Lists []imports.Found
}

// read reads the campaign of the request, and its lists.
func (h *Handlers) read(r *http.Request, step int) (v draftView, err error) {
	id, err := page.CampaignID(r)
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.Event, err = h.App.Events.Get(ctx, id); err != nil {
		return v, err
	}
	if v.View, err = h.Read(r, "campaigns"); err != nil {
		return v, err
	}
	v.Step, v.Title = step, page.Name(v.Event)
	if step == 1 {
		return v, nil
	}
	records, err := h.App.Targets.Imports(ctx, id)
	if err != nil {
		return v, err
	}
	for _, record := range records[:min(len(records), listsShown)] {
		found, err := h.App.Targets.Facts(ctx, id, record.ID, v.May(domain.ReadWhole))
		if domain.IsCode(err, domain.NotFound) { // it was taken back a moment ago
			continue
		}
		if err != nil {
			return v, err
		}
		v.Lists = append(v.Lists, found)
	}
	return v, nil
}

// listsShown is the most lists of a campaign that a page shows, the newest.
const listsShown = 20

// Editable reports whether the campaign can still be changed.
func (v draftView) Editable() bool {
	return v.Event.Status == domain.Pending && v.Event.Summary.StartedAt == nil
}

// path returns the path of a step of the campaign.
func (v draftView) path(step string) string { return page.CampaignPath(v.Event.ID) + "/" + step }

// rejected returns how many rows of all lists were rejected.
func (v draftView) rejected() (n int) {
	for _, l := range v.Lists {
		n += l.Rejected
	}
	return n
}

// fileName returns what a list is called: the name of its file, or its number.
func (v draftView) fileName(l imports.Found) string {
	if l.FileName != "" {
		return l.FileName
	}
	return v.T("list.nameless", l.ID)
}

// shortHash writes the beginning and the end of a hash, in groups of four.
func shortHash(hash string) string {
	const n = 4
	if len(hash) < 5*n {
		return hash
	}
	return strings.Join([]string{hash[:n], hash[n : 2*n], "…", hash[len(hash)-n:]}, " ")
}
