package people

import (
	"net/http"

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
	b.address, b.cookies = web.AddressOf(ctx.RemoteAddr()), huma.ReadCookies(ctx)
	b.arrival = web.Arrival{Host: ctx.Host(), RemoteAddr: ctx.RemoteAddr()}
	b.arrival.Origin = ctx.Header("Origin")
	ctx.EachHeader(func(name, _ string) {
		b.arrival.Forwarded = b.arrival.Forwarded || web.IsForwarding(name)
	})
	return nil
}

// token returns the token of the session that the browser has, "" for none.
func (h *Handlers) token(b Browser) string { return h.api.SessionToken(b.arrival, b.cookies) }
