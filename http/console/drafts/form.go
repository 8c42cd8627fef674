package drafts

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/patch"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"
)

// form holds the fields of a campaign as a person has typed them.
type form struct {
	Name, CampaignID, EventType, Amount, Reason, Expiry, Start, Reservation, Partitions, Priority string

	Zone    words.Zone // of the typed times
	Version string     // of the campaign that is edited
}

// The choices of how a campaign starts.
const (
	byHand   = "hand"
	reserved = "reserved"
)

// typedLayouts are those in which a moment may be typed.
var typedLayouts = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// formOf reads the fields of a request's form.
func formOf(r *http.Request, v page.View) form {
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	f := form{
		Name: get("name"), CampaignID: get("campaign_id"), EventType: get("event_type"), Amount: get("default_amount"),
		Reason: get("default_reason"), Expiry: get("expiry_at"), Start: get("start"), Reservation: get("reservation_at"),
		Partitions: get("partition_count"), Priority: get("reservation_priority"), Zone: v.Zone, Version: get("version"),
	}
	for _, z := range v.Zones { // the one of the page that was sent
		if z.Name == get("zone") {
			f.Zone = z
		}
	}
	return f
}

// formFor returns the fields as they are for a campaign.
func formFor(e domain.Event, zone words.Zone) form {
	f := form{
		Name: e.Name, CampaignID: e.CampaignID, EventType: e.Type.Code, Reason: e.DefaultReason, Start: byHand,
		Expiry: typedTime(e.ExpiryAt, zone), Reservation: typedTime(e.ReservationAt, zone),
		Partitions: strconv.Itoa(e.Partitions), Zone: zone, Version: versionOf(e),
	}
	if e.DefaultAmount > 0 {
		f.Amount = words.Count(e.DefaultAmount)
	}
	if e.ReservationAt != nil {
		f.Start = reserved
	}
	if e.ReservationPriority != nil {
		f.Priority = strconv.Itoa(*e.ReservationPriority)
	}
	return f
}

// versionOf returns a hash of what a person says of a campaign.
func versionOf(e domain.Event) string {
	return web.Tag([]any{
		e.Name, e.CampaignID, e.Type.Code, e.DefaultReason, e.DefaultAmount, e.ExpiryAt, e.Partitions, e.ReservationAt,
		e.ReservationPriority,
	})
}

// typedTime writes a moment as it is typed; "" for none.
func typedTime(at *time.Time, zone words.Zone) string {
	if at == nil {
		return ""
	}
	local := at.In(zone.Location)
	if local.Second() != 0 {
		return local.Format(typedLayouts[1])
	}
	return local.Format(typedLayouts[0])
}

// event returns what the form says, with the fields that cannot be read.
func (f form) event() app.NewEvent {
	n := app.NewEvent{
		CampaignID: f.CampaignID, Name: f.Name, EventType: f.EventType, DefaultReason: f.Reason,
	}
	unread := domain.Faults{}
	n.DefaultAmount = page.WholeOf(&unread, "default_amount", f.Amount, int64(math.MaxInt64))
	n.Partitions = page.WholeOf(&unread, "partition_count", f.Partitions, math.MaxInt)
	n.ReservationPriority = page.WholeOf(&unread, "reservation_priority", f.Priority, math.MaxInt)
	n.ExpiryAt = f.moment(&unread, "expiry_at", f.Expiry)
	if f.Start == reserved {
		n.ReservationAt = f.moment(&unread, "reservation_at", f.Reservation)
		if f.Reservation == "" {
			unread.Add("reservation_at", "is missing")
		}
	}
	n.Unread = unread
	return n
}

// moment reads a moment of the form's zone; nil for none. A day alone is its last minute.
func (f form) moment(unread *domain.Faults, field, text string) *time.Time {
	if text == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil && field == "expiry_at" {
		text += " 23:59"
	}
	for _, layout := range typedLayouts {
		at, err := time.ParseInLocation(layout, text, f.Zone.Location)
		if err == nil {
			return &at
		}
	}
	unread.Add(field, "is not a moment such as 2027-03-31 23:59")
	return nil
}

// changes returns what the form says as a change of the campaign before. A moment that was not touched stays, with the
// part of a second that the form does not show.
func (f form) changes(before domain.Event) app.EventPatch {
	n, was := f.event(), formFor(before, f.Zone)
	if f.Expiry == was.Expiry {
		n.ExpiryAt = before.ExpiryAt
	}
	if f.Start == was.Start && f.Reservation == was.Reservation {
		n.ReservationAt = before.ReservationAt
	}
	return app.EventPatch{
		CampaignID: patch.SetTo(n.CampaignID), Name: patch.SetTo(n.Name), EventType: patch.SetTo(n.EventType),
		DefaultReason: patch.SetTo(n.DefaultReason), DefaultAmount: patch.SetTo(n.DefaultAmount),
		ExpiryAt: patch.SetTo(n.ExpiryAt), Partitions: patch.SetTo(n.Partitions),
		ReservationAt: patch.SetTo(n.ReservationAt), ReservationPriority: patch.SetTo(n.ReservationPriority),
		Unread: n.Unread,
	}
}

// formView is what the page of the form shows.
type formView struct {
	draftView

	Form   form
	Types  []domain.EventType
	Faults map[string]string // why a field cannot be so, by its name
	Taken  int64             // the campaign that has the campaign_id; 0 for none
	Now    *form             // after another person's change: what is so now
}

// New reports whether the campaign is still to be made.
func (v formView) New() bool { return v.Event.ID == 0 }

// action returns where the form is sent.
func (v formView) action() string {
	if v.New() {
		return page.Home + "/campaigns/new"
	}
	return v.path("edit")
}

// Unit returns the unit of the chosen type.
func (v formView) Unit() string {
	for _, t := range v.Types {
		if t.Code == v.Form.EventType {
			return t.Unit
		}
	}
	return ""
}

// other returns what a field is now by another person's change; "" where it is as typed.
func (v formView) other(field string) string {
	if v.Now == nil {
		return ""
	}
	mine, now := v.Form.fields(), v.Now.fields()
	if mine[field] == now[field] {
		return ""
	}
	return cmp.Or(now[field], words.None)
}

func (f form) fields() map[string]string {
	return map[string]string{
		"name": f.Name, "campaign_id": f.CampaignID, "event_type": f.EventType, "default_amount": f.Amount,
		"default_reason": f.Reason, "expiry_at": f.Expiry, "start": f.Start, "reservation_at": f.Reservation,
		"partition_count": f.Partitions, "reservation_priority": f.Priority,
	}
}

// readTypes returns the types that a campaign may have: those that are ready, and the one that it has.
func (h *Handlers) readTypes(ctx context.Context, e domain.Event) ([]domain.EventType, error) {
	all, err := h.App.Types.List(ctx)
	if err != nil {
		return nil, err
	}
	var types []domain.EventType
	for _, t := range all {
		if t.State == domain.TypeReady && e.TotalCount == 0 || t.Code == e.Type.Code {
			types = append(types, t.EventType)
		}
	}
	return types, nil
}

// newPage answers with the empty form.
func (h *Handlers) newPage(w http.ResponseWriter, r *http.Request) error {
	v, err := h.readNew(r)
	if err != nil {
		return err
	}
	v.Form = form{Start: byHand, Zone: v.Zone}
	if len(v.Types) > 0 {
		v.Form.EventType = v.Types[0].Code
	}
	return page.Show(w, r, http.StatusOK, formPage(v))
}

func (h *Handlers) readNew(r *http.Request) (v formView, err error) {
	if v.View, err = h.Read(r, "campaigns"); err != nil {
		return v, err
	}
	v.Step, v.Title = 1, v.T("new")
	v.Types, err = h.readTypes(r.Context(), domain.Event{})
	return v, err
}

// create makes a campaign, and leads to the step of its list.
func (h *Handlers) create(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	f := formOf(r, h.Blank(r))
	made, err := h.App.Events.Create(r.Context(), page.Caller(r), f.event())
	if err == nil {
		return page.GoTo(w, r, page.CampaignPath(made.Value.ID)+"/list?done=drafted")
	}
	v, readErr := h.readNew(r)
	if readErr != nil {
		return readErr
	}
	return h.refuse(w, r, v, f, err)
}

// refuse answers with the form as it was typed, and what is wrong beside its fields.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, v formView, f form, refusal error) error {
	wrong, status, err := h.Mistake(r, refusal)
	if err != nil {
		return err
	}
	v.Form, v.Wrong, v.Path = f, wrong, v.action()
	if e, ok := errors.AsType[*domain.Error](refusal); ok {
		v.Faults = map[string]string{}
		for _, field := range e.Fields {
			v.Faults[field.Name] = field.Message
		}
		switch e.Code {
		case domain.CampaignTaken:
			v.Taken, v.Wrong = e.EventID, nil
		case domain.Invalid:
			v.Wrong = nil // each field says it
			if !slices.ContainsFunc(e.Fields, func(f domain.Field) bool { return shownFields[f.Name] }) {
				v.Wrong = wrong
			}
		}
	}
	return page.Show(w, r, status, formPage(v))
}

// shownFields are those that have a place for what is wrong with them.
var shownFields = map[string]bool{
	"name": true, "campaign_id": true, "event_type": true, "default_amount": true, "default_reason": true,
	"expiry_at": true, "reservation_at": true, "partition_count": true, "reservation_priority": true,
}

// editPage answers with the form of a campaign that has not started.
func (h *Handlers) editPage(w http.ResponseWriter, r *http.Request) error {
	v, err := h.readEdit(r)
	if err != nil {
		return err
	}
	if !page.Editable(v.Event) {
		return page.GoTo(w, r, page.CampaignPath(v.Event.ID))
	}
	v.Form = formFor(v.Event, v.Zone)
	return page.Show(w, r, http.StatusOK, formPage(v))
}

func (h *Handlers) readEdit(r *http.Request) (v formView, err error) {
	if v.draftView, err = h.read(r, 1); err != nil {
		return v, err
	}
	v.Types, err = h.readTypes(r.Context(), v.Event)
	return v, err
}

// edit changes a campaign, if it is still as the person saw it.
func (h *Handlers) edit(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	before, err := h.App.Events.Get(r.Context(), id)
	if err != nil {
		return err
	}
	f := formOf(r, h.Blank(r))
	_, err = h.App.Events.Edit(r.Context(), page.Caller(r), id, f.changes(before), func(e domain.Event) error {
		return web.Match(cmp.Or(f.Version, "none"), versionOf(e), "the campaign")
	})
	if err == nil {
		return page.GoTo(w, r, page.CampaignPath(id)+"/list?done=edited")
	}
	v, readErr := h.readEdit(r)
	if readErr != nil {
		return readErr
	}
	if now := formFor(v.Event, f.Zone); now.Version != f.Version {
		v.Now, f.Version = &now, now.Version // sent again, it is a choice
	}
	return h.refuse(w, r, v, f, err)
}
