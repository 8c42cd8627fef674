package people_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"regexp"
	"testing"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/people"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const asForm = "Content-Type: application/x-www-form-urlencoded"

// hidden is the value of a field of the page's form.
func hidden(a desktest.Answer, name string) string {
	a.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.Text)
	require.NotNil(a, found, a.Text)
	return html.UnescapeString(found[1])
}

// The link's page enrols a person without a script, and to look at it uses nothing up.
func TestInvitePage(t *testing.T) {
	t.Parallel()
	d := setup(t)
	token := desktest.Decoded[people.Invite](
		d.Post(prefix+"/invites", `{"name": "kim <b>", "role": "viewer"}`)).Token
	link := "/invite?token=" + token
	post := func(form url.Values, headers ...string) desktest.Answer {
		return d.Post("/invite", form.Encode(), append(headers, noKey, asForm)...)
	}
	var page desktest.Answer
	for range 2 {
		page = d.Get(link, noKey)
		require.Equal(t, 200, page.StatusCode)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM invites WHERE wrapped IS NOT NULL`))
	policy := page.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'; img-src data:; style-src 'sha256-")
	require.Contains(t, policy, "form-action 'self'")
	require.Equal(t, "same-origin", page.Header.Get("Referrer-Policy"), "or the form has Origin: null")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page.Text)[1]
	sum := sha256.Sum256([]byte(style))
	require.Contains(t, policy, base64.StdEncoding.EncodeToString(sum[:]), "as the browser sees it")
	post(url.Values{"token": {token}}, "Sec-Fetch-Site: cross-site").Refused(403, api.CrossSite)

	opened := post(url.Values{"token": {hidden(page, "token")}})
	require.Equal(t, 200, opened.StatusCode)
	require.Contains(t, opened.Text, `src="data:image/png;base64,iVBOR`)
	require.Contains(t, opened.Text, "kim &lt;b&gt;, scan this")
	form := url.Values{"password": {"too short"}, "code": {"1"}}
	for _, name := range []string{"token", "name", "secret", "uri"} {
		form.Set(name, hidden(opened, name))
	}
	wrong := post(form)
	require.Equal(t, 422, wrong.StatusCode)
	require.Contains(t, wrong.Text, "password must have 12 characters or more")
	require.Contains(t, wrong.Text, "code is not the code that the phone shows now")
	require.Equal(t, hidden(opened, "uri"), hidden(wrong, "uri"), "the phone holds it already")

	form.Set("password", password)
	form.Set("code", phone{hidden(wrong, "secret")}.code(d))
	done := post(form)
	require.Equal(t, 200, done.StatusCode)
	require.Contains(t, done.Text, "you are signed in")
	me := desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, d.cookie(done)))
	require.Equal(t, "kim <b>", me.Name)
	require.Equal(t, string(domain.Viewer), me.Role)

	require.Equal(t, 404, post(form).StatusCode, "it was used")
	form.Set("uri", "x")
	form.Set("token", token)
	require.Equal(t, 404, post(form).StatusCode)
	require.Equal(t, 400, post(url.Values{}).StatusCode)
	require.Equal(t, 400, d.Post("/invite", "%", noKey, asForm).StatusCode)
	require.Contains(t, d.Get("/invite", noKey).Text, "The address has no token")
}
