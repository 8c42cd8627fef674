// Package members answers why a member got something of a campaign, or did not: the search, a member's campaigns, and
// the way of one member through a campaign, with the PIN of a voucher.
package members

import (
	"bestow/domain"
	"bestow/http/console/page"
)

// Handlers are the handlers of the pages of members.
type Handlers struct {
	*page.Base

	reveals reveals
}

// New returns the handlers.
func New(b *page.Base) *Handlers {
	return &Handlers{Base: b, reveals: reveals{all: map[formID]*revealed{}}}
}

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	const way = page.Home + "/campaigns/:id/members/:member"
	reveal := page.Access{Right: domain.Reveal, Fresh: true}
	return []page.Route{
		{Method: "GET", Path: page.Home + "/find", Handle: h.find},
		{Method: "GET", Path: page.Home + "/members", Handle: h.search},
		{Method: "GET", Path: page.Home + "/members/:member", Handle: h.member},
		{Method: "GET", Path: way, Handle: h.trace},
		{Method: "POST", Path: way + "/pin", Access: reveal, Handle: h.reveal},
	}
}
