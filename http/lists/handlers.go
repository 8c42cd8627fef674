package lists

import (
	"cmp"

	"bestow/app/imports"
	"bestow/app/uploads"
	"bestow/http/web"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	imports *imports.Imports
	uploads *uploads.Uploads
	pieces  *places
	limits  UploadLimits
	api     *web.API
}

// New returns the handlers of a's routes. If limits is zero, the defaults hold.
func New(i *imports.Imports, u *uploads.Uploads, limits UploadLimits, a *web.API) *Handlers {
	return &Handlers{
		imports: i, uploads: u, pieces: &places{taken: map[string]int{}}, limits: cmp.Or(limits, defaultLimits), api: a,
	}
}
