package page

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"bestow/app"
	"bestow/domain"
	"bestow/http/console/words"
	"bestow/http/web"

	"github.com/a-h/templ"
)

// Home is the path of the first page; all other pages are below it.
const Home = web.ConsolePath

// Config holds what all pages stand on.
type Config struct {
	App *app.App
	API *web.API

	Zone       string // in which moments are shown, by its IANA name; "": Asia/Seoul
	Version    string // of the program; "" shows none
	Production bool
	River      bool // there is a page of jobs at /river
}

// Base is what the handlers of all pages stand on.
type Base struct {
	Config

	zone words.Zone
}

// New returns the base of c, or an error that says what c lacks.
func New(c Config) (*Base, error) {
	if c.App == nil || c.API == nil {
		return nil, errors.New("configure console: App or API is missing")
	}
	zone, err := words.ZoneOf(c.Zone)
	if err != nil {
		return nil, errors.New("configure console: the time zone is not known")
	}
	return &Base{c, zone}, nil
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

// Serves reports whether the path is one of the console's.
func Serves(path string) bool { return path == Home || strings.HasPrefix(path, Home+"/") }

// Show answers with a page.
func Show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Render(r.Context(), w) // the client is gone
	return nil
}

// GoTo answers a form: the browser asks for the page at the path. A path with doneField was made here, and the page
// says what was done.
func GoTo(w http.ResponseWriter, r *http.Request, path string) error { return GoToDone(w, r, path, 0) }

// GoToDone is GoTo for what was done to n members; 0: the page says no number.
func GoToDone(w http.ResponseWriter, r *http.Request, path string, n int) error {
	keepDone(w, path, n)
	http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // G710: the path is made here, or was checked by Ours
	return nil
}

// Ours returns the address, a path with its query, if it is a page of the console, or Home: a link from elsewhere must
// not lead a person away after a form.
func Ours(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || path.Clean(u.Path) != u.Path || !Serves(u.Path) ||
		strings.ContainsAny(address, "\\\r\n\t") {
		return Home
	}
	if !u.Query().Has(doneField) {
		return address
	}
	return withoutDone(u)
}
