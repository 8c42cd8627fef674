package events

import (
	"log/slog"

	"bestow/app"
	"bestow/app/parked"
	"bestow/app/reports"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	events  *app.Events
	parked  *parked.Parked
	reports *reports.Reports // what events wait for
	api     *web.API
	log     *slog.Logger
}

// New returns the handlers of a's routes, which call the use cases of u.
func New(u *app.App, a *web.API, log *slog.Logger) *Handlers {
	return &Handlers{events: u.Events, parked: u.Parked, reports: u.Reports, api: a, log: log}
}
