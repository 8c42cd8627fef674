package http

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// A request through a trusted proxy is its client's, and has the client's allowance; from anyone else, this machine and
// private networks too, X-Forwarded-For counts for nothing.
func TestForwardedFor(t *testing.T) {
	t.Parallel()
	d := setup(t)
	h := handler(t, Config{
		App: d.App, AdminKey: desktest.Key, Log: d.Logger(),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
	})
	ask := func(peer, key string, forwarded ...string) int {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/invites/open",
			strings.NewReader(`{"token": "`+strings.Repeat("a", 43)+`"}`))
		if key != "" {
			r = httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/events", nil)
			r.Header.Set("Authorization", "Bearer "+key)
		}
		r.RemoteAddr = peer
		r.Header.Set("Content-Type", "application/json")
		r.Header["X-Forwarded-For"] = forwarded
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	limited := func(peer, key, suffix string) {
		t.Helper()
		last := 0
		for n := range 31 {
			last = ask(peer, key, strings.TrimSuffix(fmt.Sprintf("198.51.100.%d, %s", n, suffix), ", "))
		}
		require.Equal(t, 429, last, "%s %s", peer, suffix)
	}
	const proxy = "10.0.0.2:4711"
	for _, key := range []string{"", "wrong"} {
		limited(proxy, key, "203.0.113.9")
		limited(proxy, key, "203.0.113.10, 10.0.0.3")
		limited("[2001:db8::1]:4711", key, "2001:db8:5::1")
		require.NotEqual(t, 429, ask(proxy, key, "203.0.113.11"), "another client of the proxy")
		require.NotEqual(t, 429, ask(proxy, key, "203.0.113.9", "203.0.113.12"), "the last header is the proxy's")
		require.Equal(t, 429, ask("203.0.113.9:1", key), "it is one address with and without the proxy")
		for _, untrusted := range []string{"192.0.2.66:4711", "127.0.0.1:4711", "10.0.1.2:4711", "[fe80::1]:4711"} {
			limited(untrusted, key, "")
		}
	}
}
