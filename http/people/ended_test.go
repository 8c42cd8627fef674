package people_test

import (
	"strings"
	"testing"

	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// The tab of a session that has ended goes on polling: it is told to sign in again, however often it asks, and is no
// guess. A session that never was counts as one.
func TestEndedSessionIsNoGuess(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, cookie := d.enrolled("kim", domain.Viewer)
	require.Equal(t, 200, d.Get(prefix+"/session", noKey, cookie).StatusCode)
	require.Equal(t, 204, d.Do("DELETE", prefix+"/session", "", noKey, cookie).StatusCode)
	for range 30 {
		p := d.Get(prefix+"/session", noKey, cookie).Refused(401, api.Unauthorized)
		require.Equal(t, "the session has ended", p.Detail)
		require.Contains(t, p.Hint, "sign in again")
	}
	var last desktest.Answer
	for range 30 {
		last = d.Get(prefix+"/session", noKey, "Cookie: __Host-bestow="+strings.Repeat("A", 43))
	}
	require.NotContains(t, last.Refused(429, api.TooManyRequests).Detail, "API key")
}
