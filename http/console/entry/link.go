package entry

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync/atomic"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// Link is a link that signs in once, with an API key, on this machine: for the demo. The zero value signs nobody in.
type Link struct {
	token, key string
	used       atomic.Bool
}

// NewLink returns a link that signs in with the key.
func NewLink(key string) *Link { return &Link{token: rand.Text(), key: key} }

// URL returns the link at the address HOST:PORT.
func (l *Link) URL(address string) string {
	return "http://" + address + page.Home + "/enter?t=" + l.token
}

// take reports whether the token is the link's, for the first one that asks with it.
func (l *Link) take(token string) bool {
	return l != nil && l.token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(l.token)) == 1 &&
		l.used.CompareAndSwap(false, true)
}

// enter signs in whom the link brings, and leads to the campaign that runs.
func (h *Handlers) enter(w http.ResponseWriter, r *http.Request) error {
	if !h.API.TakesKeyCookie(web.ArrivalOf(r)) || !h.link.take(r.URL.Query().Get("t")) {
		return page.GoTo(w, r, page.Home)
	}
	showKey(w, h.link.key)
	running, err := h.App.Events.List(r.Context(), eventrow.Filter{Statuses: []domain.Status{domain.Running}, Limit: 1})
	if err != nil {
		return err
	}
	if len(running) == 0 {
		return page.GoTo(w, r, page.Home)
	}
	return page.GoTo(w, r, page.CampaignPath(running[0].ID))
}
