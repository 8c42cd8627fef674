package page

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// doneField is the field of an address that says what a form has done.
	doneField = "done"
	// doneCookie says the same, with a number: a link alone cannot claim that something was done.
	doneCookie = "bestow-done"
	// doneLasts is the time in which the page must be asked for.
	doneLasts = time.Minute
)

// keepDone keeps what the form has done to n members for the page at the path, which the browser is led to.
func keepDone(w http.ResponseWriter, path string, n int) {
	u, err := url.Parse(path)
	if err != nil || !u.Query().Has(doneField) {
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: it holds no secret, and the page works without it
		Name: doneCookie, Value: url.QueryEscape(u.Query().Get(doneField)) + "." + strconv.Itoa(n), Path: Home,
		MaxAge: int(doneLasts.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// done returns what a form of this browser has done a moment ago, if the request's address says the same, and to how
// many members; "" for nothing.
func done(r *http.Request) (what string, n int) {
	c, err := r.Cookie(doneCookie)
	if err != nil {
		return "", 0
	}
	kept, number, _ := strings.Cut(c.Value, ".")
	kept, err = url.QueryUnescape(kept)
	if err != nil || kept != r.URL.Query().Get(doneField) {
		return "", 0
	}
	n, _ = strconv.Atoi(number) // none is 0
	return kept, n
}

// withoutDone returns the address, a path with its query, without what a form has done.
func withoutDone(u *url.URL) string {
	query := u.Query()
	query.Del(doneField)
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: query.Encode()}).RequestURI()
}
