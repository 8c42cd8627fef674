// Package drafts is how a person makes a campaign in three steps: its details, its list, and a last look at what it
// grants.
//
// Start with Handlers.Routes. What a form says is read in form.go, a list comes in by list.go.
package drafts

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"sort"
	"strings"

	"bestow/app/checks"
	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/api"
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
		{Method: "POST", Path: one + "/list/read", Access: operate, Handle: h.readChecks},
		{Method: "POST", Path: one + "/list/:import/take-back", Access: operate, Handle: h.takeBack},
		{Method: "GET", Path: one + "/list/:import/rejected", Access: page.Access{Right: domain.ReadWhole}, Handle: h.rejected},
		{Method: "GET", Path: one + "/review", Access: read, Handle: h.review},
	}
}

// draftView is what the pages of a campaign's steps show.
type draftView struct {
	page.View

	Event  domain.Event
	Checks []checks.Finding // what is unusual in the lists
	Step   int              // 1, 2 or 3
	Lists  []imports.Found  // all, newest first
	Shown  []imports.Found  // those that the page shows a row of
	Older  int              // how many lists are older than those
	older  int64            // the list that the rows begin after; 0: they begin with the newest
}

// read reads the campaign of the request, and its lists.
func (h *Handlers) read(r *http.Request, step int) (v draftView, err error) {
	id, err := page.CampaignID(r)
	if err != nil {
		return v, err
	}
	if text := r.URL.Query().Get(olderField); text != "" {
		var ok bool
		if v.older, ok = domain.ParseID(text); !ok {
			return v, api.BadQueryError(domain.Field{Name: "query." + olderField, Message: "is not the number of a list"})
		}
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
	if v.Lists, err = h.App.Targets.AllFacts(ctx, id, v.May(domain.ReadWhole)); err != nil {
		return v, err
	}
	v.page()
	v.Checks, err = h.App.Checks.Find(ctx, id)
	return v, err
}

// listsShown is the most lists of a campaign that a page shows a row of.
const listsShown = 20

// olderField is the field of the page's address that names the list which the rows begin after; "": they begin with
// the newest.
const olderField = "older"

// page finds the lists that the page shows a row of.
func (v *draftView) page() {
	older := cmp.Or(v.older, math.MaxInt64)
	rest := v.Lists[sort.Search(len(v.Lists), func(i int) bool { return v.Lists[i].ID < older }):]
	v.Shown = rest[:min(len(rest), listsShown)]
	v.Older = len(rest) - len(v.Shown)
}

// olderPath returns the path of the page with the next older lists.
func (v draftView) olderPath() string {
	return v.path("list") + "?" + olderField + "=" + page.Number(v.Shown[len(v.Shown)-1].ID)
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
