package inspect

import (
	"bestow/app/reports"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	reports *reports.Reports
	api     *web.API
	shared  *shared // what those read who follow events
}

// New returns the handlers of a's routes, which show what r reports.
func New(r *reports.Reports, a *web.API) *Handlers {
	h := &Handlers{reports: r, api: a}
	h.shared = newShared(h.readProgress)
	return h
}
