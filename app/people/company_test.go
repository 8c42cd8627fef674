package people

import (
	"strings"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// Of two first sign-ins of one person at the same time, as of a double click, both begin a session, and one person is
// made. Another person of the same name is refused as before.
func TestFirstSignInTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	kim := Employee{Issuer: "https://login.example.com", Subject: "u-1", Name: "kim", Role: domain.Viewer}
	_, err = newEmployee(t.Context(), tx, kim, Credentials{})
	require.NoError(t, err)
	second := make(chan error, 1)
	go func() {
		_, _, err := s.SignInEmployee(t.Context(), kim, Credentials{}, "")
		second <- err
	}()
	const waits = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	require.Eventually(t, func() bool { return s.count(waits) > 0 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-second)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM principals WHERE name = 'kim'`))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM audit_log WHERE action = 'person.create'`))
	kim.Subject = "u-2"
	_, _, err = s.SignInEmployee(t.Context(), kim, Credentials{}, "")
	require.True(t, domain.IsCode(err, domain.NameTaken), "%v", err)
}

// A role that the provider changes holds in the person's other sessions at once, and the audit says that the provider
// changed it.
func TestRoleOfTheProvider(t *testing.T) {
	t.Parallel()
	s := setup(t)
	kim := Employee{Issuer: "https://login.example.com/tenant", Subject: "u-1", Name: "kim", Role: domain.Admin}
	_, first, err := s.SignInEmployee(t.Context(), kim, Credentials{}, "")
	require.NoError(t, err)
	p, _, _, err := s.Identify(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, domain.Admin, p.Role)
	kim.Role = domain.Viewer
	_, _, err = s.SignInEmployee(t.Context(), kim, Credentials{}, "")
	require.NoError(t, err)
	p, _, _, err = s.Identify(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, domain.Viewer, p.Role)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM audit_log WHERE action = 'person.role' AND
		actor = 'oidc:login.example.com'`))
}

// The provider's name in the audit fits its column, and no principal can have it.
func TestProviderInTheAudit(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://login.example.com/tenant/v2.0":        "oidc:login.example.com",
		"http://127.0.0.1:4711":                        "oidc:127.0.0.1:4711",
		"https://" + strings.Repeat("x", 60) + ".com/": "oidc:" + strings.Repeat("x", 45),
		"not an address":                               "oidc:not an address",
	} {
		actor := Employee{Issuer: issuer}.provider()
		require.Equal(t, want, actor)
		require.NotEmpty(t, domain.CheckPrincipal(actor))
	}
}
