// Package consoletest drives the pages of the console as a person's browser does, against a listener on a database of
// the test's own.
package consoletest

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Desk is a listener on a database of the test's own, as a development on this machine has it.
type Desk struct {
	*desktest.Desk

	Local *httptest.Server
}

// New returns a listener of the test's own.
func New(t *testing.T) *Desk {
	t.Helper()
	d := apitest.New(t, bestowhttp.Config{})
	return &Desk{d, apitest.Listen(d, bestowhttp.Config{App: d.App, LocalCookies: true, Version: "v9.9.9"})}
}

// Browser is a person's browser: it keeps cookies, and shows where it is led instead of going there.
type Browser struct {
	*Desk

	Server  *httptest.Server
	Client  *http.Client
	Cookies map[string]string
	Headers map[string]string

	Faulty bool // an answer may be a fault that the test has made
}

// Page is what a browser got.
type Page struct {
	*http.Response

	Text string
}

// Browser returns a browser in which nobody is signed in.
func (d *Desk) Browser() *Browser {
	client := *d.Local.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{
		Desk: d, Server: d.Local, Client: &client,
		Cookies: map[string]string{"bestow-language": "en"},
		Headers: map[string]string{"Accept": "text/html,*/*", "Sec-Fetch-Site": "same-origin"},
	}
}

// SignedIn is the browser of a person of the role, who has signed in.
func (d *Desk) SignedIn(role domain.Role) *Browser {
	d.Helper()
	name := "a-" + string(role)
	phone := apitest.Enrol(d.Desk, name, role)
	b := d.Browser()
	p := b.Post("/console/sign-in", "name", name, "password", apitest.Password, "code", phone.Code(d.Desk))
	require.Equal(d, http.StatusSeeOther, p.StatusCode, p.Text)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	return b
}

// Get asks for the page at the path.
func (b *Browser) Get(path string) Page { return b.Send(http.MethodGet, path, "") }

// Post sends a form with the fields, each a name and a value.
func (b *Browser) Post(path string, fields ...string) Page {
	b.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(fields, 2) {
		form.Set(pair[0], pair[1])
	}
	return b.Send(http.MethodPost, path, form.Encode())
}

// Send sends a request with the browser's cookies, and keeps those that it gets. No answer may be a
// fault of ours, unless the test has made one.
func (b *Browser) Send(method, path, body string) Page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.Server.URL+path, strings.NewReader(body))
	require.NoError(b, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.Headers {
		r.Header.Set(name, value)
	}
	for name, value := range b.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // G124: a request has no such attributes
	}
	res, err := b.Client.Do(r)
	require.NoError(b, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	for _, c := range res.Cookies() {
		if b.Cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.Cookies, c.Name)
		}
	}
	require.True(b, res.StatusCode < 500 || b.Faulty, string(text))
	return Page{res, string(text)}
}

// Led requires that the answer leads to the path.
func (b *Browser) Led(p Page, path string) {
	b.Helper()
	require.Equal(b, http.StatusSeeOther, p.StatusCode, p.Text)
	require.Equal(b, path, p.Header.Get("Location"))
}

// Field returns the value of a hidden field of the form that posts to the path.
func (b *Browser) Field(p Page, path, name string) string {
	b.Helper()
	_, form, found := strings.Cut(p.Text, `action="`+path+`"`)
	require.True(b, found, "no form posts to %s: %s", path, p.Text)
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(form)
	require.NotNil(b, m)
	return m[1]
}

// Stream is a page's stream of messages, which ends with the test.
type Stream struct {
	b     *Browser
	lines *bufio.Scanner
}

// maxMessage bounds the bytes of a message.
const maxMessage = 1 << 20

// Stream opens the stream at the path.
func (b *Browser) Stream(path string) *Stream {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.Server.URL+path, nil)
	require.NoError(b, err)
	for name, value := range b.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // G124: a request has no such attributes
	}
	res, err := b.Client.Do(r)
	require.NoError(b, err)
	b.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(b, http.StatusOK, res.StatusCode)
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxMessage)
	return &Stream{b, lines}
}

// Next returns the next message.
func (s *Stream) Next() string {
	s.b.Helper()
	for s.lines.Scan() {
		if text, isData := strings.CutPrefix(s.lines.Text(), "data: "); isData {
			return text
		}
	}
	require.Fail(s.b, "the stream has ended", "%v", s.lines.Err())
	return ""
}
