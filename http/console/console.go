package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"bestow/app"
	"bestow/domain"
	"bestow/http/console/assets"
	"bestow/http/console/words"
	"bestow/http/web"

	"github.com/a-h/templ"
)

// Home is the path of the first page; all other pages are below it.
const Home = web.ConsolePath

// Config holds what the console stands on.
type Config struct {
	App *app.App
	API *web.API
	// CheckKey returns an error unless there is the API key, for the sign-in with a key; nil: nobody signs in so, as in
	// production.
	CheckKey func(ctx context.Context, key, address string) error

	Link *Link // signs in once; nil: there is none

	Zone       string // in which moments are shown, by its IANA name; "": Asia/Seoul
	Version    string // of the program; "" shows none
	Production bool
	River      bool // there is a page of jobs at /river
}

// Handlers are the handlers of the console's pages.
type Handlers struct {
	Config

	zone words.Zone
}

// New returns the handlers of c, or an error that says what c lacks.
func New(c Config) (*Handlers, error) {
	if c.App == nil || c.API == nil {
		return nil, errors.New("configure console: App or API is missing")
	}
	zone, err := words.ZoneOf(c.Zone)
	if err != nil {
		return nil, errors.New("configure console: the time zone is not known")
	}
	return &Handlers{c, zone}, nil
}

// Route is a route of the console, with what its callers need.
type Route struct {
	Method, Path string // as echo has them
	Access       Access
	Handle       func(http.ResponseWriter, *http.Request) error
}

// Access says what a caller of a route needs.
type Access struct {
	Open      bool         // nothing
	Right     domain.Right // of the caller's role; "" is domain.Read
	Fresh     bool         // a session that has shown the password and a code a moment ago
	Unlimited bool         // it is never refused for the number of requests: it stops what runs
}

// Routes lists all routes of the console.
func (h *Handlers) Routes() []Route {
	page := Access{}
	open := Access{Open: true}
	operate := Access{Right: domain.Operate}
	stop := Access{Right: domain.Operate, Unlimited: true}
	release := Access{Right: domain.Release, Fresh: true}
	return []Route{
		{"GET", Home, page, h.overview},
		{"GET", Home + "/campaigns", page, h.campaigns},
		{"GET", Home + "/campaigns/:id", page, h.campaign},
		{"GET", Home + "/campaigns/:id/live", page, h.live},
		{"POST", Home + "/campaigns/:id/start", operate, h.start},
		{"POST", Home + "/campaigns/:id/stop", stop, h.stop},
		{"POST", Home + "/campaigns/:id/resume", operate, h.resume},
		{"POST", Home + "/campaigns/:id/retry", operate, h.retry},
		{"POST", Home + "/brake", stop, h.brake},
		{"POST", Home + "/brake/release", release, h.releaseBrake},
		{"POST", Home + "/look", open, h.look},
		{"GET", Home + "/enter", open, h.enter},
		{"GET", Home + "/sign-in", open, h.signInPage},
		{"POST", Home + "/sign-in", open, h.signIn},
		{"POST", Home + "/sign-out", page, h.signOut},
		{"GET", Home + "/confirm", page, h.confirmPage},
		{"POST", Home + "/confirm", page, h.confirm},
		{"GET", assets.Prefix + ":name", open, func(w http.ResponseWriter, r *http.Request) error {
			assets.Handler(w, r)
			return nil
		}},
	}
}

// Serves reports whether the path is one of the console's.
func Serves(path string) bool { return path == Home || strings.HasPrefix(path, Home+"/") }

// Policy is the Content-Security-Policy of all pages: nothing but our own style and script, and icons in the style.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// show answers with a page.
func show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Render(r.Context(), w) // the client is gone
	return nil
}

// goTo answers a form: the browser asks for the page at the path.
func goTo(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // G710: the path is made here, or was checked by ours
	return nil
}

// ours returns the address, a path with its query, if it is a page of the console, or Home: a link from elsewhere must
// not lead a person away after a form.
func ours(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || path.Clean(u.Path) != u.Path || !Serves(u.Path) ||
		strings.ContainsAny(address, "\\\r\n\t") {
		return Home
	}
	return address
}
