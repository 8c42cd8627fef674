package people

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/oidc"
	"bestow/app/people"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// Handlers are the handlers of this package's routes.
type Handlers struct {
	people  *people.People
	company *oidc.Provider // nil: there is none
	api     *web.API
}

// New returns the handlers of a's routes, which call the use cases of u.
func New(u *app.App, a *web.API) *Handlers { return &Handlers{u.People, u.Company, a} }

// Browser holds where a request came from, how it calls this service, and which cookies its browser has.
type Browser struct {
	address string
	arrival web.Arrival
	cookies []*http.Cookie
}

// Resolve reads them.
func (b *Browser) Resolve(ctx huma.Context) []error {
	b.address, b.cookies = addressOf(ctx.RemoteAddr()), huma.ReadCookies(ctx)
	b.arrival = web.Arrival{Host: ctx.Host(), RemoteAddr: ctx.RemoteAddr()}
	b.arrival.Origin = ctx.Header("Origin")
	ctx.EachHeader(func(name, _ string) {
		b.arrival.Forwarded = b.arrival.Forwarded || web.IsForwarding(name)
	})
	return nil
}

// token returns the token of the session that the browser has, "" for none.
func (h *Handlers) token(b Browser) string { return h.api.SessionToken(b.arrival, b.cookies) }

// addressOf returns the address of who sent a request, without the port; "" for one that has none.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return address.Unmap().WithZone("").String()
}

// cookie returns the header that gives the browser a session's token, or takes it away if the token is "".
func (h *Handlers) cookie(at web.Arrival, token string) string {
	name := h.api.SessionCookieAt(at)
	if token == "" {
		return cookieOf(name, "", -1)
	}
	return cookieOf(name, token, 0)
}

// cookieOf returns the header of a cookie that lasts so long; 0: as long as the browser runs, negative: it is taken
// away.
func cookieOf(name, value string, lasts time.Duration) string {
	c := http.Cookie{ //nolint:gosec // G124: without Secure only at http://localhost, where browsers refuse it
		Name: name, Value: value, Path: "/", Secure: strings.HasPrefix(name, "__Host-"), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(lasts.Seconds()),
	}
	if lasts < 0 {
		c.MaxAge = -1
	}
	return c.String()
}
