package drafts

import (
	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"

	"github.com/a-h/templ"
)

// uploadRefusals are the codes for which the page has a note that the script shows: those of the routes by which a list
// comes in pieces, and two of the script's own. The first one stands for all others.
var uploadRefusals = []string{
	"", domain.UploadTooLarge, domain.Invalid, domain.UnsupportedFile, api.Unauthorized, api.Forbidden, api.CrossSite,
	"unreadable", "one_file",
}

// uploadTexts are what the script tells of an upload, and what it needs to know.
func uploadTexts(v listView) templ.Attributes {
	return templ.Attributes{
		"data-uploads": page.Home + "/uploads", "data-event": page.Number(v.Event.ID), "data-zone": v.Zone.String(),
		"data-guessed":   imports.Guessed,
		"data-begun":     v.T("upload.begun"),
		"data-sent":      v.T("upload.sent"),
		"data-rate":      v.T("upload.rate"),
		"data-left":      v.T("upload.left"),
		"data-cut":       v.T("upload.cut"),
		"data-busy":      v.T("upload.busy"),
		"data-reading":   v.T("upload.reading"),
		"data-cancelled": v.T("upload.cancelled"),
		"data-seconds":   v.T("upload.seconds"),
		"data-minutes":   v.T("upload.minutes"),
		"data-hours":     v.T("upload.hours"),
	}
}
