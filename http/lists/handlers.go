package lists

import (
	"cmp"

	"bestow/app/imports"
	"bestow/app/uploads"
	"bestow/http/web"
	"bestow/internal/places"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	imports *imports.Imports
	uploads *uploads.Uploads
	pieces  *places.Places // that are being received
	limits  web.UploadLimits
	api     *web.API
}

// New returns the handlers of a's routes. If limits is zero, the defaults hold.
func New(i *imports.Imports, u *uploads.Uploads, limits web.UploadLimits, a *web.API) *Handlers {
	return &Handlers{
		imports: i, uploads: u, pieces: places.New(pieceLimits), limits: cmp.Or(limits, web.DefaultUploadLimits()), api: a,
	}
}
