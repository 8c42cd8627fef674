package people_test

import (
	"net/http"
	"testing"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/http/web"
	"bestow/internal/apitest"

	"github.com/stretchr/testify/require"
)

// Outside of production a browser on this machine gets a cookie that it takes over HTTP. By another name of the host,
// and in production, that cookie is none.
func TestLocalCookie(t *testing.T) {
	t.Parallel()
	d := setup(t)
	local := *d.Desk
	local.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: d.App, LocalCookies: true})
	p, strict := d.enrolled("kim", domain.Viewer)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	a := local.Post(prefix+"/session", `{"name": "kim", "password": "`+password+`", "code": "`+p.code(d)+`"}`, noKey)
	require.Equal(t, 201, a.StatusCode, a.Text)
	c := a.Cookies()[0]
	require.Equal(t, "bestow-local", c.Name)
	require.False(t, c.Secure)
	require.True(t, c.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	cookie := "Cookie: " + c.Name + "=" + c.Value
	require.Equal(t, 200, local.Get(prefix+"/session", noKey, cookie).StatusCode)
	d.Get(prefix+"/session", noKey, cookie).Refused(401, api.Unauthorized)
	// A browser shows the strict cookie only where this service gave it.
	require.Equal(t, 200, local.Get(prefix+"/session", noKey, strict).StatusCode)
	// A proxy on this machine may call the service by a local host, for a browser that is elsewhere.
	for _, forwarded := range []string{"Forwarded: for=192.0.2.7", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "X-Real-IP: 192.0.2.7", "Via: 1.1 x"} {
		local.Get(prefix+"/session", noKey, cookie, forwarded).Refused(401, api.Unauthorized)
		d.SQL(`UPDATE passwords SET last_step = 0`)
		a := local.Post(prefix+"/session", `{"name": "kim", "password": "`+password+`", "code": "`+p.code(d)+`"}`, noKey, forwarded)
		require.Equal(t, 201, a.StatusCode, a.Text)
		require.Equal(t, "__Host-bestow", a.Cookies()[0].Name)
		require.True(t, a.Cookies()[0].Secure)
	}
	for host, want := range map[string]int{
		"localhost:8080": 200, "[::1]:8080": 200, "127.0.0.9": 200, "bestow.example": 401, "localhost.example": 401, "": 200,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, local.URL+prefix+"/session", nil)
		require.NoError(t, err)
		r.Host = host
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		res, err := local.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, host)
	}
}

// The local cookie is for a browser on this machine alone: not for one whose address is another's, nor for one whose
// page is another's, which a proxy on this machine shows without a word. A container sees its host by a private
// address.
func TestLocalCookieFromElsewhere(t *testing.T) {
	t.Parallel()
	a := &web.API{LocalCookies: true}
	for from, want := range map[string]string{
		"127.0.0.1:4711": web.LocalCookie, "[::1]:4711": web.LocalCookie, "192.0.2.7:4711": web.SessionCookie,
		"172.17.0.1:4711": web.LocalCookie, "10.0.2.2:4711": web.LocalCookie, "192.168.65.1:4711": web.LocalCookie,
		"[fd00::1]:4711": web.LocalCookie, "[::ffff:172.17.0.1]:4711": web.LocalCookie,
		"[2001:db8::1]:4711": web.SessionCookie, "172.32.0.1:4711": web.SessionCookie, "": web.SessionCookie,
	} {
		require.Equal(t, want, a.SessionCookieAt(web.Arrival{Host: "localhost:8080", RemoteAddr: from}), from)
	}
	for _, from := range []string{"127.0.0.1:4711", "172.17.0.1:4711"} {
		require.Equal(t, web.SessionCookie, a.SessionCookieAt(web.Arrival{Host: "bestow.example", RemoteAddr: from}))
		require.Equal(t, web.SessionCookie,
			a.SessionCookieAt(web.Arrival{Host: "localhost:8080", RemoteAddr: from, Forwarded: true}))
		for origin, want := range map[string]string{
			"http://localhost:8080": web.LocalCookie, "http://127.0.0.1:5173": web.LocalCookie,
			"https://bestow.example": web.SessionCookie, "http://bestow.example": web.SessionCookie,
			"https://localhost:8443": web.SessionCookie, "null": web.SessionCookie,
			"http://localhost.example": web.SessionCookie,
		} {
			require.Equal(t, want,
				a.SessionCookieAt(web.Arrival{Host: "localhost:8080", RemoteAddr: from, Origin: origin}), origin)
		}
		require.Equal(t, web.SessionCookie,
			(&web.API{}).SessionCookieAt(web.Arrival{Host: "localhost:8080", RemoteAddr: from}), "in production")
	}
}

// A person elsewhere who signs in behind a proxy that says nothing gets the strict cookie, and is signed in with it.
func TestSilentProxy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	local := *d.Desk
	local.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: d.App, LocalCookies: true})
	p, _ := d.enrolled("kim", domain.Viewer)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	a := local.Post(prefix+"/session", `{"name": "kim", "password": "`+password+`", "code": "`+p.code(d)+`"}`, noKey,
		"Origin: https://bestow.example", "Sec-Fetch-Site: same-origin")
	require.Equal(t, 201, a.StatusCode, a.Text)
	c := a.Cookies()[0]
	require.Equal(t, web.SessionCookie, c.Name)
	require.True(t, c.Secure)
	planted := "Cookie: " + web.LocalCookie + "=planted; " + c.Name + "=" + c.Value
	require.Equal(t, 200, local.Get(prefix+"/session", noKey, planted).StatusCode)
}
