// Package keys is the page of who may do what: the keys of services, and the people and services that have access. It
// is for admins.
//
// What it must never do: show a key or an invite but in the answer that makes it.
package keys

import (
	"context"
	"net/http"

	"bestow/app/access"
	"bestow/app/people"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// here is the path of the page.
const here = page.Home + "/keys"

// pageSize is how many people and services the page has.
const pageSize = 50

// Handlers are the handlers of the page.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	read := page.Access{Right: domain.Administer}
	fresh := page.Access{Right: domain.Administer, Fresh: true}
	return []page.Route{
		{Method: "GET", Path: here, Access: read, Handle: h.show},
		{Method: "POST", Path: here, Access: fresh, Handle: h.create},
		{Method: "POST", Path: here + "/:id/revoke", Access: fresh, Handle: h.revoke},
		{Method: "POST", Path: here + "/invite", Access: fresh, Handle: h.invite},
		{Method: "POST", Path: here + "/people/:id", Access: fresh, Handle: h.edit},
	}
}

// rights are those that the table of roles shows.
var rights = []domain.Right{
	domain.Read, domain.ReadWhole, domain.Operate, domain.Release, domain.Reveal, domain.Administer,
}

// keysView is what the page shows.
type keysView struct {
	page.View

	Keys    []access.Key
	People  []people.Principal
	Next    string // the path of the next page of people; "" on the last one
	First   bool   // it is the first page of people
	Invites bool   // people sign in with passwords, so they are invited

	Typed map[string]string // what stood in the form that was refused
	Key   *access.MadeKey   // that was just made
	Link  string            // of the invite that was just made; "": none was
	Made  people.MadeInvite
}

// show answers with the keys, and a page of the people and services.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, keysPage(v))
}

func (h *Handlers) read(r *http.Request) (v keysView, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.View, err = h.Read(r, "keys"); err != nil {
		return v, err
	}
	v.Title, v.Path, v.Invites = v.T("nav.keys"), here, h.App.Company == nil
	if v.Keys, err = h.App.Access.List(ctx); err != nil {
		return v, err
	}
	cursor := r.URL.Query().Get("cursor")
	before, err := web.PersonCursor.Read(cursor)
	if err != nil {
		return v, err
	}
	v.First = before == 0
	if v.People, err = h.App.People.List(ctx, before, pageSize+1); err != nil {
		return v, err
	}
	var next *string
	v.People, next = web.Page(v.People, pageSize, func(p people.Principal) string { return web.PersonCursor.Write(p.ID) })
	if next != nil {
		v.Next = here + "?cursor=" + *next
	}
	return v, nil
}

// refuse answers a form with the page as it is now, and what was wrong with the form.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, dialog string, err error) error {
	wrong, status, err := h.Mistake(r, err)
	if err != nil {
		return err
	}
	v, err := h.read(r)
	if err != nil {
		return err
	}
	v.Wrong, v.Typed = wrong, page.Kept(r, "name", "role", "expires")
	if wrong.Code == domain.Invalid || wrong.Code == domain.NameTaken {
		v.Opened = dialog
	}
	return page.Show(w, r, status, keysPage(v))
}
