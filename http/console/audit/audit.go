// Package audit is the page of what people and keys have changed.
package audit

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bestow/app/audit"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// here is the path of the page.
const here = page.Home + "/audit"

// pageSize is how many changes the page has.
const pageSize = 50

// Handlers are the handlers of the page.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	return []page.Route{{Method: "GET", Path: here, Handle: h.list}}
}

// filters are the fields by which the list may be narrowed.
var filters = []string{"actor", "action", "object", "event_id", "since", "until"}

// actions are those that a person may choose. The record may have others, of versions before this one.
var actions = []string{
	"event.create", "event.edit", "event.start", "event.stop", "event.resume", "event.retry_begin", "event.retry",
	"event.delete", "event.read_checks",
	"brake.engage", "brake.release", "import.add", "import.take_back", "import.end", "upload.create", "upload.delete",
	"targets.export", "results.export", "pin.reveal", "parked.replay", "type.create", "type.edit", "key.create",
	"key.revoke", "invite.create", "person.create", "person.enrol", "person.edit", "person.role", "person.disable",
	"person.enable", "session.begin", "session.fresh", "session.end", "session.revoke", "session.refused",
	"policy.create_begin", "policy.create", "policy.edit_begin", "policy.edit", "policy.refused",
}

// listView is what the page shows.
type listView struct {
	page.View

	Chain   audit.State
	Entries []audit.Entry
	Filter  url.Values
	Next    string // the path of the next page; "" on the last one
	First   bool   // it is the first page
}

// Filtered reports whether the list leaves changes out.
func (v listView) Filtered() bool {
	for _, field := range filters {
		if v.Filter.Get(field) != "" {
			return true
		}
	}
	return false
}

// Head writes the last link of the chain, as verify takes it.
func (v listView) Head() string {
	return strconv.FormatInt(v.Chain.Links, 10) + ":" + hex.EncodeToString(v.Chain.Hash)
}

// Look returns the class of what the page says of the chain, its icon, and the key of its sentence.
func (v listView) Look() (class, icon, key string) {
	switch c := v.Chain.Check; {
	case c != nil && !c.Whole:
		return "bad", "x", "chain.broken"
	case v.Chain.Links == 0:
		return "", "info", "chain.none"
	case c != nil:
		return "good", "audit", "chain.whole"
	}
	return "", "audit", "chain.open"
}

// list answers with a page of changes, the newest first.
func (h *Handlers) list(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "audit")
	if err != nil {
		return err
	}
	v := listView{View: base, Filter: r.URL.Query(), First: r.URL.Query().Get("cursor") == ""}
	v.Title = v.T("nav.audit")
	if v.Chain, err = h.App.Audit.State(ctx); err != nil {
		return err
	}
	status := http.StatusOK
	if err := h.read(ctx, &v); err != nil {
		if v.Wrong, status, err = h.Mistake(r, err); err != nil {
			return err
		}
	}
	return page.Show(w, r, status, listPage(v))
}

// read reads the changes that the filters let through. Error: that of a filter that cannot be used.
func (h *Handlers) read(ctx context.Context, v *listView) error {
	f, err := v.filter()
	if err != nil {
		return err
	}
	entries, err := h.App.Audit.List(ctx, f)
	if err != nil {
		return err
	}
	var next *string
	v.Entries, next = web.Page(entries, pageSize, func(e audit.Entry) string { return web.AuditCursor.Write(e.ID) })
	if next == nil {
		return nil
	}
	query := url.Values{"cursor": {*next}}
	for _, field := range filters {
		if value := v.Filter.Get(field); value != "" {
			query.Set(field, value)
		}
	}
	v.Next = here + "?" + query.Encode()
	return nil
}

// filter reads the filters. Errors: domain.Invalid, and that of a bad cursor or text.
func (v listView) filter() (f audit.Filter, err error) {
	for _, field := range filters {
		if err := web.CheckText(field, v.Filter.Get(field)); err != nil {
			return f, err
		}
	}
	f = audit.Filter{
		Actor: v.Filter.Get("actor"), Object: v.Filter.Get("object"), Limit: pageSize + 1,
	}
	if action := v.Filter.Get("action"); action != "" {
		f.Actions = []string{action}
	}
	if f.Before, err = web.AuditCursor.Read(v.Filter.Get("cursor")); err != nil {
		return f, err
	}
	var faults domain.Faults
	if text := v.Filter.Get("event_id"); text != "" {
		if f.EventID, err = strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64); err != nil || f.EventID < 1 {
			faults.Add("event_id", "must be the number of a campaign, such as 7")
		}
	}
	f.Since = v.day(&faults, "since", 0)
	f.Until = v.day(&faults, "until", 1) // the day is in it
	return f, faults.Refusal("the filter cannot be used")
}

// day returns the moment at which the day begins that a field holds, so many days later; nil for an empty field.
func (v listView) day(faults *domain.Faults, field string, later int) *time.Time {
	text := strings.TrimSpace(v.Filter.Get(field))
	if text == "" {
		return nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, v.Zone.Location)
	if err != nil {
		faults.Add(field, "must be a day such as 2026-03-19")
	}
	at = at.AddDate(0, 0, later)
	return &at
}
