package inspect

import (
	"bestow/app"
	"bestow/app/lists"
	"bestow/app/pins"
	"bestow/app/reports"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	reports *reports.Reports
	lists   *lists.Lists
	pins    *pins.Revealer
	api     *web.API
}

// New returns the handlers of api's routes, which show the reports and the lists of a.
func New(a *app.App, api *web.API) *Handlers {
	return &Handlers{reports: a.Reports, lists: a.Lists, pins: a.PINs, api: api}
}
