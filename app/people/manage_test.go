package people

import (
	"testing"
	"time"

	"bestow/app/access"
	"bestow/app/known"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// Whom the host disables, or gives another role, loses sessions and links at once, and keys within known.For; the audit
// tells of it once.
func TestManage(t *testing.T) {
	t.Parallel()
	s := setup(t)
	keys, err := access.New(access.Config{Pool: s.pool})
	require.NoError(t, err)
	key, err := keys.Create(t.Context(), host, access.NewKey{Name: "crm", Role: domain.Admin})
	require.NoError(t, err)
	role := func(secret string) domain.Role {
		fresh, err := access.New(access.Config{Pool: s.pool}) // a process that remembers nothing
		require.NoError(t, err)
		p, _, err := fresh.Identify(t.Context(), secret)
		require.NoError(t, err)
		return p.Role
	}
	secret := s.enrolled("kim", domain.Admin)
	other := s.another(nil)
	now := time.Now()
	other.sessions.Now = func() time.Time { return now }
	for what, change := range map[string]func(name string) error{
		"disabled": func(name string) error { return s.Disable(t.Context(), host, name) },
		"role":     func(name string) error { return s.SetRole(t.Context(), host, name, domain.Viewer) },
	} {
		_, token := s.signIn(secret)
		link := s.invite("kim", "")
		require.True(t, s.admits(other, token))
		for range 2 {
			require.NoError(t, change("kim"))
			require.NoError(t, change("crm"))
		}
		require.False(t, s.admits(s.People, token), what)
		now = now.Add(known.For)
		require.False(t, s.admits(other, token), what)
		_, err = s.Open(t.Context(), link.Token, office)
		require.True(t, domain.IsCode(err, domain.NotFound), "%s: %v", what, err)
		if what == "disabled" {
			require.Empty(t, role(key.Secret))
			_, _, err = s.SignIn(t.Context(), s.proof(secret), "")
			require.True(t, domain.IsCode(err, domain.NoSignIn), "%v", err)
			require.NoError(t, s.Enable(t.Context(), host, "kim"))
			require.NoError(t, s.Enable(t.Context(), host, "crm"))
			require.False(t, s.admits(s.People, token), "what ended stays so")
		}
		require.NotEmpty(t, role(key.Secret))
	}
	require.Equal(t, domain.Viewer, role(key.Secret))
	v, _ := s.signIn(secret)
	require.Equal(t, domain.Viewer, v.Role)
	for _, action := range []string{"person.disable", "person.enable", "person.role"} {
		require.Equal(t, 2, s.count(`SELECT count(*) FROM audit_log WHERE action = $1 AND actor = 'host:root'`, action), action)
	}
	require.True(t, domain.IsCode(s.Disable(t.Context(), host, "lee"), domain.NotFound))
	require.True(t, domain.IsCode(s.SetRole(t.Context(), host, "kim", "owner"), domain.Invalid))
}
