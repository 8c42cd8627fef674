package http

import (
	"net/http"
	"strings"

	"bestow/http/console"
	"bestow/http/console/assets"
	"bestow/http/web"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// worthPacking is the length in bytes from which an answer is compressed: a shorter one fits into one packet anyway.
const worthPacking = 1400

// compress sends files and pages as gzip to browsers that ask for it.
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		MinLength: worthPacking, Skipper: func(c echo.Context) bool { return !mayPack(c.Request()) },
	})
}

// mayPack reports whether the answer to r may be compressed: files that are the same for everybody, and pages that the
// user came to from another of ours, or by typing the address. The length of a compressed page that holds both a secret
// and what a link said tells about the secret (BREACH), so a page that a foreign site led to is sent as it is, and so
// is one of a browser that does not say where it came from. Streams and what a script reads are no documents.
func mayPack(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, assets.Prefix), path == web.Prefix+"/openapi.json", path == web.Prefix+"/docs.js":
		return true
	case !console.Serves(path) || r.Header.Get("Sec-Fetch-Dest") != "document":
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "same-origin" || site == "none"
}
