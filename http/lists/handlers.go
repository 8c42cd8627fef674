package lists

import (
	"cmp"

	"bestow/app/imports"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	imports *imports.Imports
	limits  UploadLimits
	api     *web.API
}

// New returns the handlers of a's routes. If limits is zero, the defaults hold.
func New(i *imports.Imports, limits UploadLimits, a *web.API) *Handlers {
	return &Handlers{imports: i, limits: cmp.Or(limits, defaultLimits), api: a}
}
