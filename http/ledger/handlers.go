package ledger

import (
	"log/slog"

	"bestow/app"
	"bestow/app/ledger"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	ledger *ledger.Ledger
	api    *web.API
	log    *slog.Logger
}

// New returns the handlers of a's routes, which call the use cases of u.
func New(u *app.App, a *web.API, log *slog.Logger) *Handlers { return &Handlers{u.Ledger, a, log} }
