package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// desk is a listener on a database of the test's own, as a development on this machine has it.
type desk struct {
	*desktest.Desk

	local *httptest.Server
}

func setup(t *testing.T) *desk {
	t.Helper()
	d := apitest.New(t, bestowhttp.Config{})
	return &desk{d, apitest.Listen(d, bestowhttp.Config{App: d.App, LocalCookies: true, Version: "v9.9.9"})}
}

// browser is a person's browser: it keeps cookies, and shows where it is led instead of going there.
type browser struct {
	*desk

	server  *httptest.Server
	client  *http.Client
	cookies map[string]string
	headers map[string]string
}

// page is what a browser got.
type page struct {
	*http.Response

	text string
}

func (d *desk) browser() *browser {
	client := *d.local.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{
		d, d.local, &client,
		map[string]string{"bestow-language": "en"},
		map[string]string{"Accept": "text/html,*/*", "Sec-Fetch-Site": "same-origin"},
	}
}

// signedIn is the browser of a person of the role, who has signed in.
func (d *desk) signedIn(role domain.Role) *browser {
	d.Helper()
	name := "a-" + string(role)
	phone := apitest.Enrol(d.Desk, name, role)
	b := d.browser()
	p := b.post("/console/sign-in", "name", name, "password", apitest.Password, "code", phone.Code(d.Desk))
	require.Equal(d, http.StatusSeeOther, p.StatusCode, p.text)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	return b
}

func (b *browser) get(path string) page { return b.send(http.MethodGet, path, "") }

// post sends a form with the fields, each a name and a value.
func (b *browser) post(path string, fields ...string) page {
	b.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.send(http.MethodPost, path, form.Encode())
}

func (b *browser) send(method, path, body string) page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(body))
	require.NoError(b, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.headers {
		r.Header.Set(name, value)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := b.client.Do(r)
	require.NoError(b, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	require.Less(b, res.StatusCode, 500, string(text))
	return page{res, string(text)}
}

// led requires that the answer leads to the path.
func (b *browser) led(p page, path string) {
	b.Helper()
	require.Equal(b, http.StatusSeeOther, p.StatusCode, p.text)
	require.Equal(b, path, p.Header.Get("Location"))
}

// field returns the value of a hidden field of the form that posts to the path.
func (b *browser) field(p page, path, name string) string {
	b.Helper()
	_, form, found := strings.Cut(p.text, `action="`+path+`"`)
	require.True(b, found, "no form posts to %s: %s", path, p.text)
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(form)
	require.NotNil(b, m)
	return m[1]
}
