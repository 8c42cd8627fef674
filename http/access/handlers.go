package access

import (
	"bestow/app"
	"bestow/app/access"
	"bestow/app/audit"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	access *access.Access
	audit  *audit.Audit
}

// New returns the handlers of the routes, which call the use cases of u.
func New(u *app.App) *Handlers { return &Handlers{u.Access, u.Audit} }
