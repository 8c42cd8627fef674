// Package campaigns is the overview, the list of campaigns, and the page of a campaign with what a person may do there.
package campaigns

import (
	"bestow/domain"
	"bestow/http/console/page"
)

// Handlers are the handlers of the pages of campaigns.
type Handlers struct {
	*page.Base

	drawn *drawn
}

// New returns the handlers.
func New(b *page.Base) *Handlers { return &Handlers{b, &drawn{made: map[drawnKey]drawing{}}} }

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	read := page.Access{}
	operate := page.Access{Right: domain.Operate}
	stop := page.Access{Right: domain.Operate, Unlimited: true}
	release := page.Access{Right: domain.Release, Fresh: true}
	return []page.Route{
		{Method: "GET", Path: page.Home, Access: read, Handle: h.overview},
		{Method: "GET", Path: page.Home + "/live", Access: read, Handle: h.liveOverview},
		{Method: "GET", Path: page.Home + "/campaigns", Access: read, Handle: h.campaigns},
		{Method: "GET", Path: page.Home + "/campaigns/:id", Access: read, Handle: h.campaign},
		{Method: "GET", Path: page.Home + "/campaigns/:id/live", Access: read, Handle: h.live},
		{Method: "POST", Path: page.Home + "/campaigns/:id/start", Access: operate, Handle: h.start},
		{Method: "POST", Path: page.Home + "/campaigns/:id/stop", Access: stop, Handle: h.stop},
		{Method: "POST", Path: page.Home + "/campaigns/:id/resume", Access: operate, Handle: h.resume},
		{Method: "POST", Path: page.Home + "/campaigns/:id/retry", Access: operate, Handle: h.retry},
		{Method: "POST", Path: page.Home + "/brake", Access: stop, Handle: h.brake},
		{Method: "POST", Path: page.Home + "/brake/release", Access: release, Handle: h.releaseBrake},
	}
}
