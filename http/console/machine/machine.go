// Package machine is the pages of those on call: the messages that no handler could use, and how the installation is.
package machine

import (
	"bestow/domain"
	"bestow/http/console/page"
)

// Handlers are the handlers of the pages.
type Handlers struct{ *page.Base }

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	operate := page.Access{Right: domain.Operate}
	return []page.Route{
		{Method: "GET", Path: parkedPath, Handle: h.parked},
		{Method: "GET", Path: parkedPath + "/:id", Handle: h.content},
		{Method: "POST", Path: parkedPath + "/replay", Access: operate, Handle: h.replayAll},
		{Method: "POST", Path: parkedPath + "/:id/replay", Access: operate, Handle: h.replay},
		{Method: "GET", Path: systemPath, Handle: h.system},
	}
}
