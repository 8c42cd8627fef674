package http

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// Wrong keys are 401 ten times and then 429, which says when to come again; who had the right key before goes on (C18).
func TestWrongKeysAreLimited(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.Equal(t, 200, d.get("/api/v1/events").StatusCode)
	statuses := map[int]int{}
	for n := range 200 {
		header := "Authorization: Bearer wrong" + strconv.Itoa(n)
		if n%2 == 1 {
			header = basic("x", "wrong"+strconv.Itoa(n))
		}
		path := []string{"/api/v1/events", "/river", "/api/v1/none"}[n%3]
		a := d.get(path, header)
		statuses[a.StatusCode]++
		if a.StatusCode == http.StatusTooManyRequests {
			a.refused(429, api.TooManyRequests)
			wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, wait)
		}
	}
	require.GreaterOrEqual(t, statuses[429], 60, "%v", statuses)
	require.GreaterOrEqual(t, statuses[401], 10, "%v", statuses)
	require.Equal(t, 200, d.get("/api/v1/events").StatusCode, "the operator's key from the same address goes on")
	require.Equal(t, 401, d.get("/api/v1/events", "Authorization: ").StatusCode, "a request without a key is no guess")
}

// The allowance of an address and the one of all come back with time, and a right key that was never seen waits too.
func TestGuesses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g := newGuesses(GuessLimits{AddressBurst: 2, AddressPerSecond: 1, AllBurst: 5, AllPerSecond: 1})
	g.now = func() time.Time { return now }
	right, wrong := sha256.Sum256([]byte("right")), sha256.Sum256([]byte("wrong"))
	require.Zero(t, g.judge("10.0.0.1", wrong, false))
	require.Zero(t, g.judge("10.0.0.1", wrong, false))
	require.Equal(t, time.Second, g.judge("10.0.0.1", wrong, false))
	require.Equal(t, time.Second, g.judge("10.0.0.1", right, true), "a guess that would be right says nothing")
	require.Zero(t, g.judge("10.0.0.2", right, true), "another address")
	require.Zero(t, g.judge("2001:db8::1", wrong, false))
	require.Zero(t, g.judge("2001:db8::2", wrong, false))
	require.Positive(t, g.judge("2001:db8::3", wrong, false), "a /64 is one address")
	require.Zero(t, g.judge("10.0.0.3", wrong, false))
	require.Positive(t, g.judge("10.0.0.4", wrong, false), "five in all")
	require.Zero(t, g.judge("10.0.0.2", right, true), "known")
	now = now.Add(time.Second)
	require.Zero(t, g.judge("10.0.0.1", right, true))
	for n := range 2 * maxAddresses {
		now = now.Add(time.Second)
		g.judge(fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255), wrong, false)
	}
	require.LessOrEqual(t, len(g.byAddress), maxAddresses+1)
}
