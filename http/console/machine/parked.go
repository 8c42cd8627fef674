package machine

import (
	"context"
	"net/http"
	"net/url"

	"bestow/app/parked"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// parkedPath is the path of the page of parked messages.
const parkedPath = page.Home + "/parked"

// pageSize is how many messages the page has.
const pageSize = 50

// causes are those for which a message is parked.
var causes = []string{"newer_version", "foreign", "undecodable"}

// parkedView is what the page of parked messages shows.
type parkedView struct {
	page.View

	Messages []parked.Message
	Cause    string // the one that is shown; "": all
	All      bool   // those whose replay was asked for too
	Next     string // the path of the next page; "" on the last one
	First    bool   // it is the first page
}

// Detail says what is wrong with a message. It may name a member, so it is shown to those who may see whole ids.
func (v parkedView) Detail(m parked.Message) string {
	if !v.May(domain.ReadWhole) {
		return v.T("parked.hidden")
	}
	return m.Detail
}

// At returns the path of the list that is narrowed so.
func (v parkedView) At(cause string, all bool, cursor string) string {
	query := url.Values{}
	for name, value := range map[string]string{"cause": cause, "cursor": cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if all {
		query.Set("replayed", "all")
	}
	if len(query) == 0 {
		return parkedPath
	}
	return parkedPath + "?" + query.Encode()
}

// parked answers with a page of parked messages, the newest first.
func (h *Handlers) parked(w http.ResponseWriter, r *http.Request) error {
	v, err := h.readParked(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, parkedPage(v))
}

func (h *Handlers) readParked(r *http.Request) (v parkedView, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.View, err = h.Read(r, "parked"); err != nil {
		return v, err
	}
	query := r.URL.Query()
	v.Title, v.Cause, v.All = v.T("nav.parked"), query.Get("cause"), query.Get("replayed") == "all"
	if err := web.CheckText("cause", v.Cause); err != nil {
		return v, err
	}
	f := parked.Filter{Cause: v.Cause, Limit: pageSize + 1}
	if !v.All {
		replayed := false
		f.Replayed = &replayed
	}
	if f.Before, err = web.ParkedCursor.Read(query.Get("cursor")); err != nil {
		return v, err
	}
	v.First = f.Before == 0
	if v.Messages, err = h.App.Parked.List(ctx, f); err != nil {
		return v, err
	}
	var next *string
	cursorOf := func(m parked.Message) string { return web.ParkedCursor.Write(m.ID) }
	v.Messages, next = web.Page(v.Messages, pageSize, cursorOf)
	if next != nil {
		v.Next = v.At(v.Cause, v.All, *next)
	}
	return v, nil
}

// replay lets a relay publish a message again.
func (h *Handlers) replay(w http.ResponseWriter, r *http.Request) error {
	id, ok := domain.ParseID(r.PathValue("id"))
	if !ok {
		return domain.NotFoundError("there is no parked message "+r.PathValue("id"), "list the parked messages")
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	if _, err := h.App.Parked.Replay(r.Context(), page.Caller(r), id); err != nil {
		wrong, status, err := h.Mistake(r, err)
		if err != nil {
			return err
		}
		v, err := h.readParked(r)
		if err != nil {
			return err
		}
		v.Path, v.Wrong = parkedPath, wrong
		return page.Show(w, r, status, parkedPage(v))
	}
	return page.GoTo(w, r, parkedPath+"?replayed=all&done=replayed")
}
