// Package entry is how a person gets into the console and out of it: by a password and a code, by the company's
// identity provider, by an API key in a development, and by a link of the demo.
package entry

import (
	"context"

	"bestow/http/console/page"
)

// Handlers are the handlers of the pages of the sign-in.
type Handlers struct {
	*page.Base

	checkKey func(ctx context.Context, key, address string) error // nil: nobody signs in with a key
	link     *Link                                                // nil: there is none
}

// New returns the handlers. checkKey returns an error unless there is the API key; nil: nobody signs in with one, as in
// production. link signs in once; nil: there is none.
func New(b *page.Base, checkKey func(ctx context.Context, key, address string) error, link *Link) *Handlers {
	return &Handlers{b, checkKey, link}
}

// Routes lists the routes of the room.
func (h *Handlers) Routes() []page.Route {
	open, signedIn := page.Access{Open: true}, page.Access{}
	return []page.Route{
		{Method: "GET", Path: page.Home + "/enter", Access: open, Handle: h.enter},
		{Method: "GET", Path: page.Home + "/sign-in", Access: open, Handle: h.signInPage},
		{Method: "POST", Path: page.Home + "/sign-in", Access: open, Handle: h.signIn},
		{Method: "POST", Path: page.Home + "/sign-out", Access: signedIn, Handle: h.signOut},
		{Method: "GET", Path: page.Home + "/confirm", Access: signedIn, Handle: h.confirmPage},
		{Method: "POST", Path: page.Home + "/confirm", Access: signedIn, Handle: h.confirm},
	}
}
