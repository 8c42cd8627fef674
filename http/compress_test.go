package http

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"bestow/http/console/assets"

	"github.com/stretchr/testify/require"
)

// Files and pages are compressed for browsers that ask for it; a page that a foreign site led to is not, nor one of which
// nobody knows who led to it, since its length would tell what it holds.
func TestCompress(t *testing.T) {
	t.Parallel()
	d := setup(t)
	server := d.serve(Config{App: d.App})
	get := func(path string, headers ...string) (text string, r *http.Response) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Accept-Encoding", "identity") // or the client asks for gzip, and hides it
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			request.Header.Set(name, value)
		}
		r, err = server.Client().Do(request)
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Body.Close()) }()
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, err = gzip.NewReader(r.Body)
			require.NoError(t, err)
		}
		bytes, err := io.ReadAll(body)
		require.NoError(t, err)
		return string(bytes), r
	}
	const asks, document = "Accept-Encoding: gzip, br", "Sec-Fetch-Dest: document"
	const page = "/console/sign-in"
	for _, c := range []struct {
		path    string
		headers []string
		packed  bool
	}{
		{assets.Style(), []string{asks}, true},
		{assets.Script(), []string{asks}, true},
		{assets.Style(), nil, false},
		{prefix + "/openapi.json", []string{asks}, true},
		{prefix + "/docs.js", []string{asks}, true},
		{page, []string{asks, document, "Sec-Fetch-Site: same-origin"}, true},
		{page, []string{asks, document, "Sec-Fetch-Site: none"}, true},
		{page, []string{asks, document, "Sec-Fetch-Site: cross-site"}, false},
		{page, []string{asks, document, "Sec-Fetch-Site: same-site"}, false},
		{page, []string{asks, document}, false},
		{page, []string{asks, "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin"}, false},
		{page, []string{document, "Sec-Fetch-Site: none"}, false},
		{"/nowhere", []string{asks, document, "Sec-Fetch-Site: none"}, false},
		{prefix + "/events", []string{asks, document, "Sec-Fetch-Site: none"}, false},
	} {
		text, r := get(c.path, c.headers...)
		require.Equal(t, c.packed, r.Header.Get("Content-Encoding") == "gzip", "%s %v", c.path, c.headers)
		require.NotEmpty(t, text)
		if c.packed {
			plain, _ := get(c.path)
			require.Greater(t, len(plain), worthPacking, c.path)
			require.Equal(t, "Accept-Encoding", r.Header.Get("Vary"))
			if !strings.HasPrefix(c.path, page) { // which has a number of its own each time
				require.Equal(t, plain, text, c.path)
			}
		}
	}
}
