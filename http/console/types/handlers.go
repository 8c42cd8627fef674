// Package types is the page of the event types: their units, limits and states.
package types

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"

	"bestow/app/patch"
	"bestow/app/reports"
	"bestow/app/types"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"
	"bestow/http/web"
)

// here is the path of the page.
const here = page.Home + "/types"

// Handlers are the handlers of the page.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	administer := page.Access{Right: domain.Administer}
	return []page.Route{
		{Method: "GET", Path: here, Handle: h.show},
		{Method: "POST", Path: here, Access: administer, Handle: h.create},
		{Method: "POST", Path: here + "/:code", Access: administer, Handle: h.edit},
	}
}

// fields are those of the forms.
var fields = []string{
	"event_type", "label", "operation", "granter", "unit", "max_per_member", "max_per_event", "max_count", "state",
}

// typesView is what the page shows.
type typesView struct {
	page.View

	Types  []types.Type
	Unmade []reports.UnmadeType
	Typed  map[string]string // what stood in the form that was refused
}

// WaitsFor lists what keeps a type from being made.
func (v typesView) WaitsFor(t types.Type) []reports.Reason {
	at := slices.IndexFunc(v.Unmade, func(u reports.UnmadeType) bool { return u.Code == t.Code })
	if at < 0 {
		return nil
	}
	return v.Unmade[at].WaitingFor
}

// show answers with all event types.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, typesPage(v))
}

func (h *Handlers) read(r *http.Request) (v typesView, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.View, err = h.Read(r, "types"); err != nil {
		return v, err
	}
	v.Title, v.Path = v.T("nav.types"), here
	if v.Types, err = h.App.Types.List(ctx); err != nil {
		return v, err
	}
	v.Unmade, err = h.App.Reports.UnmadeTypes(ctx)
	return v, err
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
	v.Wrong, v.Typed = wrong, page.Kept(r, fields...)
	if wrong.Code != api.PreconditionFailed {
		v.Opened = dialog
	}
	return page.Show(w, r, status, typesPage(v))
}

// create makes an event type.
func (h *Handlers) create(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	var f domain.Faults
	n := types.NewType{
		Code: form.Get("event_type"), Label: form.Get("label"), Granter: form.Get("granter"),
		Operation: domain.Operation(form.Get("operation")), Unit: orNil(form.Get("unit")),
		MaxPerMember: page.Whole(&f, r, "max_per_member", math.MaxInt64),
		MaxPerEvent:  page.Whole(&f, r, "max_per_event", math.MaxInt64),
		MaxCount:     count(&f, r),
	}
	n.Unread = f
	if _, err := h.App.Types.Create(r.Context(), page.Caller(r), n); err != nil {
		return h.refuse(w, r, "d-type", err)
	}
	return page.GoTo(w, r, here+"?done=type_made")
}

// edit changes the label, the unit, the limits and the state of an event type, unless somebody has changed it since the
// page was shown.
func (h *Handlers) edit(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	code, form := r.PathValue("code"), r.PostForm
	if !domain.ValidTypeCode(code) {
		return domain.NotFoundError("there is no such event type", "list the event types")
	}
	var f domain.Faults
	p := types.Patch{
		Label:        patch.SetTo(orNil(form.Get("label"))),
		Unit:         patch.SetTo(orNil(form.Get("unit"))),
		MaxPerMember: patch.SetTo(page.Whole(&f, r, "max_per_member", math.MaxInt64)),
		MaxPerEvent:  patch.SetTo(page.Whole(&f, r, "max_per_event", math.MaxInt64)),
		MaxCount:     patch.SetTo(count(&f, r)),
		Was: func(t types.Type) error {
			return web.Match(form.Get("seen"), tagOf(t), "the event type")
		},
	}
	if state := domain.TypeState(form.Get("state")); state != "" {
		p.State = patch.SetTo(&state)
	}
	p.Unread = f
	if _, err := h.App.Types.Edit(r.Context(), page.Caller(r), code, p); err != nil {
		return h.refuse(w, r, dialogOf(code), err)
	}
	return page.GoTo(w, r, here+"?done=type_changed")
}

// tagOf returns the tag of a type, as the API has it.
func tagOf(t types.Type) string { return web.Tag(api.FromType(t.EventType, t.State)) }

// orNil returns a text, nil for an empty one.
func orNil(text string) *string {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return &text
}

// count returns the most targets that the form names; nil for none.
func count(f *domain.Faults, r *http.Request) *int32 {
	n := page.Whole(f, r, "max_count", math.MaxInt32)
	if n == nil {
		return nil
	}
	small := int32(max(*n, math.MinInt32))
	return &small
}

// dialogOf names the dialog of a type.
func dialogOf(code string) string { return "d-type-" + code }
