package http

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"bestow/http/api"
	"bestow/http/auth"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Wrong keys are 401 ten times and then 429, which says when the next is answered; the right key goes on (C18).
func TestWrongKeysAreLimited(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Equal(t, 200, d.Get("/api/v1/events").StatusCode)
	statuses := map[int]int{}
	for n := range 200 {
		header := "Authorization: Bearer wrong" + strconv.Itoa(n)
		if n%2 == 1 {
			header = basic("x", "wrong"+strconv.Itoa(n))
		}
		path := []string{"/api/v1/events", "/river", "/api/v1/none"}[n%3]
		a := d.Get(path, header)
		statuses[a.StatusCode]++
		if a.StatusCode == http.StatusTooManyRequests {
			a.Refused(429, api.TooManyRequests)
			wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, wait)
		}
	}
	require.GreaterOrEqual(t, statuses[429], 60, "%v", statuses)
	require.GreaterOrEqual(t, statuses[401], 10, "%v", statuses)
	require.Equal(t, 200, d.Get("/api/v1/events").StatusCode, "the operator's key from the same address goes on")
	require.Equal(t, 401, d.Get("/api/v1/events", "Authorization: ").StatusCode, "a request without a key is no guess")
}

// A flood of wrong keys from many addresses and from its own holds up no holder of the right key, whose address was
// never seen before: not on a route of the API, the brake among them, nor on a page (B8).
func TestRightKeyInAFlood(t *testing.T) {
	t.Parallel()
	d := setup(t)
	h := handler(t, Config{
		App: d.App, AdminKey: desktest.Key, RiverUI: jobsPage, Log: d.Logger(),
		Guesses: auth.GuessLimits{AddressBurst: 10, AllBurst: 100, AddressPerSecond: 1e-6, AllPerSecond: 1e-6},
	})
	ask := func(address, method, path, body, authorization string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.RemoteAddr = address + ":4711"
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	_, password, _ := strings.Cut(basic("x", desktest.Key), ": ")
	flood := func(address string) int { return ask(address, "GET", "/api/v1/events", "", "Bearer wrong") }
	for n := range 300 {
		flood(fmt.Sprintf("10.0.%d.%d", n>>8, n&255))
	}
	for n := range 40 {
		for _, address := range []string{
			fmt.Sprintf("10.1.0.%d", n), fmt.Sprintf("10.0.0.%d", n),
			fmt.Sprintf("[2001:db8:0:%x::1]", n),
		} {
			require.Equal(t, 429, flood(address))
			require.Equal(t, 200, ask(address, "POST", "/api/v1/brake", `{"scope": "all", "memo": "flood"}`,
				"Bearer "+desktest.Key), address)
			require.Equal(t, 200, ask(address, "GET", "/api/v1/events", "", "bearer "+desktest.Key), address)
			require.Equal(t, 200, ask(address, "GET", "/river", "", password), address)
		}
	}
}
