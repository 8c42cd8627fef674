// Package proof is the proof of a campaign: the last report of verify as a page that fits on paper, and the request for
// another one.
package proof

import (
	"bestow/domain"
	"bestow/http/console/page"
)

// Handlers are the handlers of the proof.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	const path = page.Home + "/campaigns/:id/proof"
	return []page.Route{
		{Method: "GET", Path: path, Handle: h.proof},
		{Method: "POST", Path: path, Access: page.Access{Right: domain.Operate}, Handle: h.request},
		{Method: "GET", Path: path + "/document", Handle: h.document},
	}
}
