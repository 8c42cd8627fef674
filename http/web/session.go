package web

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// keyCookie holds an API key, for the console in a development on this machine.
const keyCookie = "bestow-local-key"

// ConsolePath is the path of the console, which alone gets keyCookie.
const ConsolePath = "/console"

// keyLifetime is how long a browser keeps a key that a person signed in with.
const keyLifetime = 8 * time.Hour

// KeyHeader returns the Set-Cookie header by which the browser shows an API key to the console; "": it is taken away.
func KeyHeader(key string) string {
	c := http.Cookie{ //nolint:gosec // G124: only at http://localhost, where browsers refuse Secure
		Name: keyCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(key)), Path: ConsolePath, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, MaxAge: int(keyLifetime.Seconds()),
	}
	if key == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// KeyOf returns the API key that the browser shows, if the request comes so that it may.
func (a *API) KeyOf(r *http.Request) (key string, given bool) {
	c, err := r.Cookie(keyCookie)
	if err != nil || !a.TakesKeyCookie(ArrivalOf(r)) {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	return string(raw), err == nil
}

// SignedOut returns the Set-Cookie headers that take away all by which a browser is signed in.
func SignedOut() []string {
	return []string{Cookie(SessionCookie, "", -1), Cookie(LocalCookie, "", -1), KeyHeader("")}
}

// TakesKeyCookie reports whether requests that come so may show an API key as a cookie.
func (a *API) TakesKeyCookie(at Arrival) bool { return a.SessionCookieAt(at) == LocalCookie }

// SessionHeader returns the Set-Cookie header that gives the browser a session's token, or takes it away if the token
// is "".
func (a *API) SessionHeader(at Arrival, token string) string {
	if token == "" {
		return Cookie(a.SessionCookieAt(at), "", -1)
	}
	return Cookie(a.SessionCookieAt(at), token, 0)
}

// Cookie returns the header of a cookie that lasts so long; 0: as long as the browser runs, negative: it is taken away.
func Cookie(name, value string, lasts time.Duration) string {
	c := http.Cookie{ //nolint:gosec // G124: without Secure only at http://localhost, where browsers refuse it
		Name: name, Value: value, Path: "/", Secure: strings.HasPrefix(name, "__Host-"), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(lasts.Seconds()),
	}
	if lasts < 0 {
		c.MaxAge = -1
	}
	return c.String()
}

// AddressOf returns the address of who sent a request, without the port; "" for one that has none.
func AddressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return address.Unmap().WithZone("").String()
}
