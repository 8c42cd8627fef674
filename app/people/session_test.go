package people

import (
	"strings"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A session ends when it is idle, when it is old, when its person is disabled, and when it is ended: here at once, in
// another process within known.For.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	ended := func(s setting, v Session) {
		other, err := New(Config{Pool: s.pool}) // a process of its own
		require.NoError(s, err)
		require.NoError(s, other.End(s.Context(), host, v.ID))
		require.True(s, domain.IsCode(other.End(s.Context(), host, v.ID), domain.NotFound))
	}
	for name, end := range map[string]func(s setting, v Session){
		"ended":    ended,
		"idle":     func(s setting, _ Session) { s.sql(`UPDATE sessions SET seen_at = now() - $1::interval`, Idle) },
		"old":      func(s setting, _ Session) { s.sql(`UPDATE sessions SET expires_at = now()`) },
		"disabled": func(s setting, _ Session) { s.sql(`UPDATE principals SET disabled_at = now() WHERE name = 'kim'`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			now := time.Now()
			s.sessions.Now = func() time.Time { return now }
			v, token := s.signIn(s.enrolled("kim", domain.Operator))
			require.WithinDuration(t, v.CreatedAt.Add(Lifetime), v.ExpiresAt, time.Second)
			require.True(t, s.admits(s.People, token))
			end(s, v)
			now = now.Add(known.For - time.Millisecond)
			require.True(t, s.admits(s.People, token), "it was looked up a moment ago")
			now = now.Add(time.Millisecond)
			require.False(t, s.admits(s.People, token))
			all, err := s.Sessions(t.Context())
			require.NoError(t, err)
			require.Empty(t, all)
		})
	}
}

// Here a session that is ended is refused at once. No other text is a token.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := setup(t)
	v, token := s.signIn(s.enrolled("kim", domain.Operator))
	require.True(t, s.admits(s.People, token))
	for _, wrong := range []string{"", "x", token + "A", token[:42], newToken(), strings.ToLower(token), "\x00"} {
		require.False(t, s.admits(s.People, wrong), wrong)
	}
	by := command.Caller{Actor: "kim", SessionID: v.ID}
	require.NoError(t, s.SignOut(t.Context(), by))
	require.NoError(t, s.SignOut(t.Context(), by), "it stays ended")
	require.False(t, s.admits(s.People, token))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM audit_log WHERE action = 'session.end' AND session_id = $1`, v.ID))
}

// A use keeps a session from being idle.
func TestUseIsNoted(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, token := s.signIn(s.enrolled("kim", domain.Operator))
	s.sql(`UPDATE sessions SET seen_at = now() - $1::interval + interval '1 minute'`, Idle)
	require.True(t, s.admits(s.People, token))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM sessions WHERE seen_at > now() - interval '1 minute'`))
}

// A session is fresh for five minutes. To be so again takes a password and a code, and gives it another token; it lives
// no longer for that. A sign-in ends the session that the browser had.
func TestFresh(t *testing.T) {
	t.Parallel()
	s := setup(t)
	now := time.Now()
	s.sessions.Now = func() time.Time { return now }
	secret := s.enrolled("kim", domain.Operator)
	v, token := s.signIn(secret)
	fresh := func(token string) bool {
		_, fresh, found, err := s.Identify(t.Context(), token)
		require.NoError(t, err)
		require.True(t, found)
		return fresh
	}
	require.True(t, fresh(token))
	s.sql(`UPDATE sessions SET fresh_at = now() - $1::interval + interval '8 seconds'`, Fresh)
	now = now.Add(known.For)
	require.True(t, fresh(token))
	now = now.Add(8 * time.Second)
	require.False(t, fresh(token), "also while it is remembered")

	wrong := s.proof(secret)
	wrong.Code = "000000"
	_, _, err := s.Refresh(t.Context(), v.ID, wrong)
	require.Equal(t, domain.NoSignInError(), err)
	again, next, err := s.Refresh(t.Context(), v.ID, s.proof(secret))
	require.NoError(t, err)
	require.Equal(t, v.ID, again.ID)
	require.Equal(t, v.ExpiresAt, again.ExpiresAt)
	require.True(t, fresh(next))
	require.False(t, s.admits(s.People, token), "the token is another one")

	s.sql(`UPDATE passwords SET last_step = 0`)
	_, newest, err := s.SignIn(t.Context(), s.proof(secret), next)
	require.NoError(t, err)
	require.False(t, s.admits(s.People, next))
	require.True(t, s.admits(s.People, newest))
	s.sql(`UPDATE passwords SET last_step = 0`)
	_, _, err = s.Refresh(t.Context(), v.ID, s.proof(secret))
	require.True(t, domain.IsCode(err, domain.NotFound), "it has ended: %v", err)
}
