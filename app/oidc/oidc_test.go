package oidc

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A text is a role as a whole, never by one of its words.
func TestRoleOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim any
		want  domain.Role
	}{
		{"admin", domain.Admin},
		{"bestow-Viewer", domain.Viewer},
		{[]any{"staff", "operator", 7}, domain.Operator},
		{"Database Admin", ""},
		{"no admin", ""},
		{[]any{"no admin"}, ""},
		{"viewer\tadmin", ""},
		{7, ""},
	} {
		require.Equal(t, c.want, roleOf(map[string]any{"roles": c.claim}, "roles"), "%v", c.claim)
	}
}

// A claim of another type than ours refuses no sign-in: a text is read, and what cannot be read is not given.
func TestOddClaims(t *testing.T) {
	t.Parallel()
	for _, verified := range []any{true, "true"} {
		require.Equal(t, "kim@example.com", nameOf(map[string]any{"email": "kim@example.com", "email_verified": verified}))
	}
	for _, not := range []any{false, "false", 1.0, nil, "yes", []any{true}} {
		require.Equal(t, "kim", nameOf(map[string]any{
			"email": "kim@example.com", "email_verified": not, "preferred_username": "kim",
		}), "%v", not)
	}
	require.Empty(t, nameOf(map[string]any{"email": 7.0, "email_verified": true, "preferred_username": 7.0}))
	for _, at := range []any{1.7e9, "1700000000", "1.7e9", 1700000000.9} {
		require.Equal(t, time.Unix(1_700_000_000, 0), signedIn(at), "%v", at)
	}
	for _, not := range []any{nil, "", "today", -1.0, 0.0, 1e300, "NaN", "Inf", true} {
		require.Zero(t, signedIn(not), "%v", not)
	}
}

// Anybody can begin a sign-in, so a provider that does not answer is asked once for all who wait, and then left alone
// for a second.
func TestProviderIsLeftAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	waiting, answer := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			close(waiting)
		}
		<-answer
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(server.Close)
	p, now := New(Config{Issuer: server.URL}), time.Now()
	p.now = func() time.Time { return now }
	begin := func() {
		_, _, err := p.Begin(t.Context(), "http://localhost/auth/oidc/callback", false)
		require.True(t, domain.IsCode(err, domain.Unavailable), "%v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(begin)
	}
	<-waiting
	close(answer)
	all.Wait()
	begin()
	require.EqualValues(t, 1, asked.Load())
	now = now.Add(quiet)
	begin()
	require.EqualValues(t, 2, asked.Load(), "then it is asked again")
}
