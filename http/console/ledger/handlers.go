// Package ledger is the page of the ledger of points: what members have, when it expires, and the policies.
package ledger

import (
	"context"
	"net/http"
	"net/url"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// here is the path of the page.
const here = page.Home + "/ledger"

// Handlers are the handlers of the page.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	administer := page.Access{Right: domain.Administer}
	return []page.Route{
		{Method: "GET", Path: here, Handle: h.show},
		{Method: "POST", Path: here + "/policies", Access: administer, Handle: h.create},
		{Method: "POST", Path: here + "/policies/:code", Access: administer, Handle: h.setStatus},
	}
}

const (
	pageSize   = 50 // policies on a page
	afterField = "after"
)

// ledgerView is what the page shows.
type ledgerView struct {
	page.View
	ledger.Forecast

	Totals ledger.Totals
	Away   string // why the ledger does not answer; "": it does
	Unit   string // of the points

	After    string // the code behind which the policies begin; "" for the first page
	Policies []ledger.Policy
	Next     string            // the path of the next page of policies; "" on the last one
	Typed    map[string]string // what stood in the form that was refused
}

// show answers with what members have, and when it expires.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, ledgerPage(v))
}

func (h *Handlers) read(r *http.Request) (v ledgerView, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.View, err = h.Read(r, "ledger"); err != nil {
		return v, err
	}
	v.Title, v.Path = v.T("nav.ledger"), here
	points, err := h.App.Types.Get(ctx, "POINT")
	if err != nil {
		return v, err
	}
	v.Unit, v.After = points.Unit, r.URL.Query().Get(afterField)
	if err := web.CheckText(afterField, v.After); err != nil {
		return v, err
	}
	err = h.readLedger(ctx, &v)
	if domain.IsCode(err, domain.Unavailable) {
		v.Away, err = err.Error(), nil
	}
	return v, err
}

// readLedger reads what the ledger knows. Error: domain.Unavailable while it is away.
func (h *Handlers) readLedger(ctx context.Context, v *ledgerView) (err error) {
	if v.Forecast, err = h.App.Ledger.Forecast(ctx); err != nil {
		return err
	}
	v.Totals, err = h.App.Ledger.Totals(ctx)
	if err != nil && !domain.IsCode(err, domain.Unavailable) { // a ledger of another version may not count them
		return err
	}
	all, err := h.App.Ledger.Policies(ctx, v.After, pageSize+1)
	var next *string
	v.Policies, next = web.Page(all, pageSize, func(p ledger.Policy) string { return p.Code })
	if next != nil {
		v.Next = here + "?" + url.Values{afterField: {*next}}.Encode()
	}
	return err
}
