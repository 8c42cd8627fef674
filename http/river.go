package http

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"bestow/domain"
	"bestow/http/api"

	"github.com/labstack/echo/v4"
)

// maxRiverBody bounds the bytes of a request to River UI, which are lists of job ids.
const maxRiverBody = 1 << 20

// maxRiverPage is the longest page that River UI asks for.
const maxRiverPage = 1000

// river gives a request to River UI, which passes text to PostgreSQL unchecked: text that PostgreSQL cannot store is
// refused here.
func (s *server) river(c echo.Context) error {
	r := c.Request()
	if err := checkRiverURL(r.URL); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRiverBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return api.TooLargeError("the body is over 1 MiB", "send fewer ids at once")
	}
	if err != nil {
		return api.MalformedError("the body ended early", "send it again")
	}
	if !storable(string(body)) || bytes.Contains(body, []byte(`\u0000`)) {
		return badText("the body")
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.riverUI.ServeHTTP(c.Response(), r)
	return nil
}

func checkRiverURL(u *url.URL) error {
	path, err := url.PathUnescape(u.EscapedPath())
	if err != nil || !storable(path) {
		return badText("the path")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return badText("the query")
	}
	for name, values := range query {
		if !storable(name + strings.Join(values, "")) {
			return badText("the query")
		}
	}
	if limit := query.Get("limit"); limit != "" {
		if n, err := strconv.Atoi(limit); err != nil || n < 1 || n > maxRiverPage { // it panics at 0
			return api.BadParameterError(domain.Field{Name: "query.limit", Message: "must be 1 to 1000"})
		}
	}
	return nil
}

// storable reports whether PostgreSQL takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func badText(where string) error {
	return api.BadRequestError(where+" has a NUL or bytes that are no UTF-8", "send text in UTF-8")
}
