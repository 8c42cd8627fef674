package people

import (
	"strings"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A link lets a person set a password and a phone once, and the person is signed in then.
func TestInvite(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.invite("kim", domain.Operator)
	require.Equal(t, domain.Operator, made.Role)
	first, err := s.Open(t.Context(), made.Token, stranger)
	require.NoError(t, err)
	e, err := s.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	require.NotEqual(t, first.Secret, e.Secret, "a stranger who saw the link knows no secret that counts")
	require.Equal(t, "otpauth://totp/bestow:kim?issuer=bestow&secret="+e.Secret, e.URI)
	proof := Credentials{Password: password, Code: s.code(first.Secret), Address: office}
	_, _, err = s.Enrol(t.Context(), made.Token, proof)
	require.True(t, domain.IsCode(err, domain.Invalid), "%v", err)
	proof.Code = s.code(e.Secret)
	v, token, err := s.Enrol(t.Context(), made.Token, proof)
	require.NoError(t, err)
	require.Equal(t, "kim", v.Name)
	p, fresh, found, err := s.Identify(t.Context(), token)
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, fresh)
	require.Equal(t, domain.Principal{Name: "kim", Role: domain.Operator, SessionID: v.ID}, p)

	_, err = s.Open(t.Context(), made.Token, office)
	require.True(t, domain.IsCode(err, domain.NotFound), "it was used: %v", err)
	_, _, err = s.Enrol(t.Context(), made.Token, proof)
	require.True(t, domain.IsCode(err, domain.NotFound), "it was used: %v", err)
	_, _, err = s.SignIn(t.Context(), s.proof(e.Secret), "")
	require.True(t, domain.IsCode(err, domain.NoSignIn), "the code was used to enrol: %v", err)
}

// A link ends after 15 minutes, with a newer one, and with its person; each of two who use it at once but one is refused.
func TestLinksEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s setting){
		"old":      func(s setting) { s.sql(`UPDATE invites SET expires_at = now()`) },
		"newer":    func(s setting) { s.invite("kim", "") },
		"disabled": func(s setting) { s.sql(`UPDATE principals SET disabled_at = now() WHERE name = 'kim'`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			made := s.invite("kim", domain.Viewer)
			e, err := s.Open(t.Context(), made.Token, office)
			require.NoError(t, err)
			end(s)
			_, _, err = s.Enrol(t.Context(), made.Token, Credentials{Password: password, Code: s.code(e.Secret)})
			require.True(t, domain.IsCode(err, domain.NotFound), "%v", err)
		})
	}
	s := setup(t)
	made := s.invite("kim", domain.Viewer)
	require.WithinDuration(t, time.Now().Add(InviteLasts), made.ExpiresAt, time.Minute)
	e, err := s.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	proof := Credentials{Password: password, Code: s.code(e.Secret), Address: office}
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			_, _, err := s.Enrol(t.Context(), made.Token, proof)
			done <- err
		}()
	}
	good := 0
	for range cap(done) {
		if err := <-done; err == nil {
			good++
		} else {
			require.True(t, domain.IsCode(err, domain.NotFound), "%v", err)
		}
	}
	require.Equal(t, 1, good)
}

// An invite over HTTP takes over no name: it replaces no password, and no service becomes a person.
func TestInviteRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.enrolled("kim", domain.Operator)
	s.sql(`INSERT INTO principals (name, kind, role, created_by) VALUES ('crm', 'service', 'admin', 'test')`)
	lee := Employee{Issuer: "https://login.example.com", Subject: "lee", Name: "lee", Role: domain.Viewer}
	_, _, err := s.SignInEmployee(t.Context(), lee, Credentials{Address: office}, "")
	require.NoError(t, err)
	for why, n := range map[string]NewInvite{
		"has a password":        {Name: "kim", Role: domain.Operator},
		"has the role operator": {Name: "kim", Role: domain.Admin, OnHost: true},
		"is a service":          {Name: "crm", Role: domain.Admin, OnHost: true},
		"identity provider":     {Name: "lee", Role: domain.Viewer},
	} {
		_, err := s.Invite(t.Context(), host, n)
		require.True(t, domain.IsCode(err, domain.NameTaken), "%v", err)
		require.ErrorContains(t, err, why)
	}
	for field, n := range map[string]NewInvite{
		"name": {Name: "admin", Role: domain.Admin, OnHost: true},
		"role": {Name: "park"},
	} {
		_, err := s.Invite(t.Context(), host, n)
		refused, ok := err.(*domain.Error) //nolint:errorlint // it is not wrapped
		require.True(t, ok, "%v", err)
		require.Len(t, refused.Fields, 1)
		require.Equal(t, field, refused.Fields[0].Name)
	}
	require.Equal(t, 1, s.count(`SELECT count(*) FROM invites`))
	require.Equal(t, domain.Admin, s.invite("first", "").Role)
	require.Equal(t, domain.Viewer, s.invite("lee", "").Role, "the host may give a password too")
}

// On the host, an invite replaces the password and the phone, and ends the sessions.
func TestReset(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.enrolled("kim", domain.Operator)
	_, token := s.signIn(secret)
	require.True(t, s.admits(s.People, token))
	made := s.invite("kim", "")
	require.True(t, s.admits(s.People, token), "until the link is used")
	e, err := s.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	_, _, err = s.SignIn(t.Context(), s.proof(secret), "")
	require.NoError(t, err, "the old phone counts until then")
	_, _, err = s.Enrol(t.Context(), made.Token, Credentials{Password: "another " + password, Code: s.code(e.Secret)})
	require.NoError(t, err)
	require.False(t, s.admits(s.People, token))
	s.sql(`UPDATE passwords SET last_step = 0`)
	_, _, err = s.SignIn(t.Context(), s.proof(secret), "")
	require.True(t, domain.IsCode(err, domain.NoSignIn), "%v", err)
}

func TestWeakPasswords(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"", "short", "elevenchars", "password1234", "PasswordPassword!", "123456789012345", "aaaaaaaaaaaaaaaa", "qwertyuiop12345",
		"kim-minsu-kim-minsu", "Kim-Minsu2026!!", "bestowbestow123", "비밀번호비밀번호비밀번호", strings.Repeat("long words ", 20),
	} {
		require.NotEmpty(t, weak(p, "kim-minsu"), p)
	}
	for _, p := range []string{password, "청바지 우산 도서관 사다리", "kim-minsu likes his garden", "Tr7$kqPzW!mx"} {
		require.Empty(t, weak(p, "kim-minsu"), p)
	}
	s := setup(t)
	made := s.invite("kim", domain.Viewer)
	e, err := s.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	_, _, err = s.Enrol(t.Context(), made.Token, Credentials{Password: "password1234", Code: s.code(e.Secret)})
	require.True(t, domain.IsCode(err, domain.Invalid), "%v", err)
}

// The database holds no password, no code, no secret and no token, nowhere (S2).
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.invite("kim", domain.Operator)
	e, err := s.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	opened := s.tables()
	code := s.code(e.Secret)
	_, token, err := s.Enrol(t.Context(), made.Token, Credentials{Password: password, Code: code, Address: office})
	require.NoError(t, err)
	text := opened + s.tables()
	require.Contains(t, text, "$argon2id$")
	for name, secret := range map[string]string{
		"password": password, "token of the link": made.Token, "token of the session": token, "secret": e.Secret,
	} {
		require.NotContains(t, text, secret, name)
	}
	require.Equal(t, 1, s.count(`SELECT count(*) FROM passwords WHERE get_byte(wrapped, 0) = 1`), "it is wrapped")
}

// Without a master key, keys of codes lie in the database as they are, and production has none of them.
func TestWithoutMasterKey(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.invite("kim", domain.Operator)
	strict := s.another(nil)
	_, err := strict.Open(t.Context(), made.Token, office)
	require.True(t, domain.IsCode(err, domain.MissingKeys), "%v", err)
	bare, err := New(Config{Pool: s.pool})
	require.NoError(t, err)
	bare.cost = s.cost
	e, err := bare.Open(t.Context(), made.Token, office)
	require.NoError(t, err)
	proof := Credentials{Name: "kim", Password: password, Code: s.code(e.Secret), Address: office}
	_, _, err = bare.Enrol(t.Context(), made.Token, proof)
	require.NoError(t, err)
	s.sql(`UPDATE passwords SET last_step = 0`)
	_, _, err = s.SignIn(t.Context(), proof, "")
	require.True(t, domain.IsCode(err, domain.MissingKeys), "%v", err)
	_, _, err = bare.SignIn(t.Context(), proof, "")
	require.NoError(t, err)
}
