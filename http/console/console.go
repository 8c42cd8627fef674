package console

import (
	"context"
	"net/http"
	"slices"

	"bestow/app"
	"bestow/http/console/assets"
	"bestow/http/console/audit"
	"bestow/http/console/campaigns"
	"bestow/http/console/drafts"
	"bestow/http/console/entry"
	"bestow/http/console/keys"
	"bestow/http/console/ledger"
	"bestow/http/console/machine"
	"bestow/http/console/members"
	"bestow/http/console/page"
	"bestow/http/console/proof"
	"bestow/http/console/types"
	"bestow/http/web"
)

// Home is the path of the first page; all other pages are below it.
const Home = page.Home

// Config holds what the console stands on.
type Config struct {
	App *app.App
	API *web.API
	// CheckKey returns an error unless there is the API key, for the sign-in with a key; nil: nobody signs in so, as in
	// production.
	CheckKey func(ctx context.Context, key, address string) error

	Link *entry.Link // signs in once; nil: there is none

	Zone       string // in which moments are shown, by its IANA name; "": Asia/Seoul
	Version    string // of the program; "" shows none
	Production bool
	River      bool // there is a page of jobs at /river
}

// Handlers are the handlers of the console's pages.
type Handlers struct {
	base   *page.Base
	routes []page.Route
}

// New returns the handlers of c, or an error that says what c lacks.
func New(c Config) (*Handlers, error) {
	base, err := page.New(page.Config{
		App: c.App, API: c.API, Zone: c.Zone, Version: c.Version, Production: c.Production, River: c.River,
	})
	if err != nil {
		return nil, err
	}
	return &Handlers{base, slices.Concat(
		base.Routes(),
		entry.New(base, c.CheckKey, c.Link).Routes(),
		campaigns.New(base).Routes(),
		drafts.New(base).Routes(),
		machine.New(base).Routes(),
		audit.New(base).Routes(),
		keys.New(base).Routes(),
		types.New(base).Routes(),
		proof.New(base).Routes(),
		members.New(base).Routes(),
		ledger.New(base).Routes(),
		[]page.Route{{Method: "GET", Path: assets.Prefix + ":name", Access: page.Access{Open: true}, Handle: asset}},
	)}, nil
}

// Routes lists all routes of the console.
func (h *Handlers) Routes() []page.Route { return h.routes }

// Refuse answers a browser with a page that says what is wrong. One that is not signed in is led to the sign-in, and
// back afterwards.
func (h *Handlers) Refuse(w http.ResponseWriter, r *http.Request, err error) error {
	return h.base.Refuse(w, r, err)
}

func asset(w http.ResponseWriter, r *http.Request) error {
	assets.Handler(w, r)
	return nil
}

// Serves reports whether the path is one of the console's.
func Serves(path string) bool { return page.Serves(path) }

// Policy is the Content-Security-Policy of all pages: nothing but our own style and script, and icons in the style.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
