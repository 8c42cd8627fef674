package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// KeyCookie holds an API key, for the console in a development on this machine.
const KeyCookie = "bestow-local-key"

// TakesKeyCookie reports whether requests that come so may show an API key in KeyCookie.
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
