package types

import (
	"log/slog"

	"bestow/app"
	"bestow/app/reports"
	"bestow/app/types"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	types   *types.Types
	reports *reports.Reports
	api     *web.API
	log     *slog.Logger
}

// New returns the handlers of a's routes, which call the use cases of u.
func New(u *app.App, a *web.API, log *slog.Logger) *Handlers {
	return &Handlers{u.Types, u.Reports, a, log}
}
