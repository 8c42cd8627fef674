package machine

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"bestow/app/parked"
	"bestow/domain"
	"bestow/http/api"
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
	Counts   map[string]int // of those that wait, by cause
	Cause    string         // the one that is shown; "": all
	All      bool           // those whose replay was asked for too
	Next     string         // the path of the next page; "" on the last one
	First    bool           // it is the first page
}

// Detail says what is wrong with a message. It may name a member, so it is shown to those who may see whole ids.
func (v parkedView) Detail(m parked.Message) string {
	if !v.May(domain.ReadWhole) {
		return v.T("parked.hidden")
	}
	return m.Detail
}

// Waiting returns how many messages of the cause wait for a person; "": of any.
func (v parkedView) Waiting(cause string) (n int) {
	for of, waiting := range v.Counts {
		if cause == "" || cause == of {
			n += waiting
		}
	}
	return n
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
	if v.Counts, err = h.App.Parked.Counts(ctx); err != nil {
		return v, err
	}
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

// messageID returns the parked message's id in the path. Error: domain.NotFound.
func messageID(r *http.Request) (int64, error) {
	id, ok := domain.ParseID(r.PathValue("id"))
	if !ok {
		return 0, domain.NotFoundError("there is no parked message "+r.PathValue("id"), "list the parked messages")
	}
	return id, nil
}

// replay lets a relay publish a message again.
func (h *Handlers) replay(w http.ResponseWriter, r *http.Request) error {
	id, err := messageID(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	if _, err := h.App.Parked.Replay(r.Context(), page.Caller(r), id); err != nil {
		return h.refuseReplay(w, r, err)
	}
	return page.GoTo(w, r, parkedPath+"?replayed=all&done=replayed")
}

// refuseReplay answers a form with the list as it is now, and what was wrong above it.
func (h *Handlers) refuseReplay(w http.ResponseWriter, r *http.Request, err error) error {
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

// replayAll lets a relay publish all messages of a cause again that wait, and says how many.
func (h *Handlers) replayAll(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	cause := r.PostForm.Get("cause")
	if !slices.Contains(causes, cause) {
		return api.BadRequestError("the form names no cause of parked messages", "open the page again")
	}
	answer, err := h.App.Parked.ReplayAll(r.Context(), page.Caller(r), cause)
	switch n := answer.Value.Messages; {
	case err != nil:
		return h.refuseReplay(w, r, err)
	case n == 0:
		return page.GoTo(w, r, parkedPath+"?cause="+cause+"&done=none_replayed")
	default:
		return page.GoToDone(w, r, parkedPath+"?replayed=all&done=replayed_all", n)
	}
}
