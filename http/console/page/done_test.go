package page_test

import (
	"net/url"
	"testing"

	"bestow/domain"
	"bestow/http/console/page"
	"bestow/internal/consoletest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What a form has done is said to the browser that sent it, for a minute; a link cannot claim it.
func TestALinkClaimsNothing(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b, other := d.SignedIn(domain.Operator), d.SignedIn(domain.Viewer)
	const braked = "/console?done=braked"
	require.NotContains(t, b.Get(braked).Text, "All campaigns are stopped.")
	p := b.Post("/console/brake", "memo", "a wrong list")
	b.Led(p, braked)
	cookies := p.Cookies()
	require.Len(t, cookies, 1)
	require.True(t, cookies[0].HttpOnly)
	require.Equal(t, 60, cookies[0].MaxAge)
	require.Contains(t, b.Get(braked).Text, "All campaigns are stopped.")
	require.NotContains(t, b.Get("/console?done=released").Text, "The brake is released.", "something else was done")
	require.NotContains(t, b.Get("/console").Text, "All campaigns are stopped.")
	require.NotContains(t, other.Get(braked).Text, "All campaigns are stopped.")

	b.Led(b.Post("/console/look", "lang", "en", "back", "/console/campaigns?q=x&done=released"), "/console/campaigns?q=x")
	require.NotContains(t, b.Get("/console?done=released").Text, "The brake is released.", "a form that leads on claims nothing")
	for _, rubbish := range []string{"", ".", "braked.x", "%zz.1", "braked.99999999999999999999", "<b>.1"} {
		b.Cookies["bestow-done"] = rubbish
		require.NotContains(t, b.Get("/console?done="+url.QueryEscape("<b>")).Text, "<b>.")
		require.Equal(t, 200, b.Get(braked).StatusCode)
	}
}

// An address from elsewhere leads to pages of the console alone, and claims nothing.
func TestOurs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/console":                              "/console",
		"/console/campaigns?q=a%20b&x=1":        "/console/campaigns?q=a%20b&x=1",
		"/console/campaigns/7?done=started":     "/console/campaigns/7",
		"/console/parked?replayed=all&done=b":   "/console/parked?replayed=all",
		"/console/members/a%2Fb?done=x":         "/console/members/a%2Fb",
		"/console?d%6Fne=braked":                "/console",
		"//evil.example/console":                "/console",
		"https://evil.example/console":          "/console",
		"/console/../api":                       "/console",
		"/elsewhere?done=x":                     "/console",
		"/console/campaigns\r\nSet-Cookie: x=y": "/console",
	} {
		require.Equal(t, want, page.Ours(address), address)
	}
}
