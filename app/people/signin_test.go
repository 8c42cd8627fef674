package people

import (
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A sign-in needs the name, the password and a code; all refusals are alike.
func TestSignInRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.enrolled("kim", domain.Operator)
	_, err := s.Invite(t.Context(), host, NewInvite{Name: "lee", Role: domain.Viewer, OnHost: true})
	require.NoError(t, err)
	other := secretOf(s.decoy)
	for name, change := range map[string]func(p *Credentials){
		"unknown name":     func(p *Credentials) { p.Name = "park" },
		"no name":          func(p *Credentials) { p.Name = "" },
		"a name with NUL":  func(p *Credentials) { p.Name = "\x00" },
		"no password yet":  func(p *Credentials) { p.Name = "lee" },
		"a service":        func(p *Credentials) { p.Name = "admin" },
		"wrong password":   func(p *Credentials) { p.Password += "x" },
		"no password":      func(p *Credentials) { p.Password = "" },
		"wrong code":       func(p *Credentials) { p.Code = "000000" },
		"no code":          func(p *Credentials) { p.Code = "" },
		"other's code":     func(p *Credentials) { p.Code = s.code(other) },
		"the decoy":        func(p *Credentials) { p.Name, p.Code = "park", s.code(other) },
		"code of just now": func(*Credentials) { s.sql(`UPDATE passwords SET last_step = extract(epoch FROM now()) / 30 + 1`) },
	} {
		proof := s.proof(secret)
		change(&proof)
		_, _, err := s.SignIn(t.Context(), proof, "")
		require.Equal(t, domain.NoSignInError(), err, name)
	}
	s.sql(`UPDATE passwords SET last_step = 0, wrong_codes = 0`)
	s.signIn(secret)
	s.sql(`UPDATE principals SET disabled_at = now() WHERE name = 'kim'`)
	_, _, err = s.SignIn(t.Context(), s.proof(secret), "")
	require.Equal(t, domain.NoSignInError(), err, "disabled")
}

// A code is good once, also for two who use it at the same moment.
func TestCodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	proof := s.proof(s.enrolled("kim", domain.Operator))
	_, _, err := s.SignIn(t.Context(), proof, "")
	require.NoError(t, err)
	_, _, err = s.SignIn(t.Context(), proof, "")
	require.Equal(t, domain.NoSignInError(), err)
	require.Equal(t, 1, s.count(`SELECT wrong_codes FROM passwords`), "it counts as a wrong one")

	s.sql(`UPDATE passwords SET last_step = 0`)
	first, step, err := s.prove(t.Context(), proof)
	require.NoError(t, err)
	second, same, err := s.prove(t.Context(), proof)
	require.NoError(t, err, "neither has used it yet")
	require.Equal(t, step, same)
	take := func(c credential) error {
		return pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error {
			_, err := takeCode(t.Context(), tx, c, step)
			return err
		})
	}
	require.NoError(t, take(first))
	require.Equal(t, domain.NoSignInError(), take(second))
}

// Each refusal takes the same time, which is more than a sign-in takes.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.refuseIn = 3 * time.Second
	secret := s.enrolled("kim", domain.Operator)
	for name, change := range map[string]func(p *Credentials){
		"unknown name":   func(p *Credentials) { p.Name = "park" },
		"wrong password": func(p *Credentials) { p.Password = "x" },
		"wrong code":     func(p *Credentials) { p.Code = "" },
	} {
		proof := s.proof(secret)
		change(&proof)
		began := time.Now()
		_, _, err := s.SignIn(t.Context(), proof, "")
		require.Equal(t, domain.NoSignInError(), err, name)
		require.GreaterOrEqual(t, time.Since(began), s.refuseIn, name)
	}
	began := time.Now()
	_, _, err := s.SignIn(t.Context(), s.proof(secret), "")
	require.NoError(t, err)
	require.Less(t, time.Since(began), s.refuseIn)
}

// The decoy costs what a new password does, and that is much.
func TestDecoyCostsTheSame(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Pool: pgtest.New(t)})
	require.NoError(t, err)
	kept, err := p.hash(t.Context(), password)
	require.NoError(t, err)
	costs := func(hash string) string { return strings.Join(strings.Split(hash, "$")[:4], "$") }
	require.Equal(t, "$argon2id$v=19$m=65536,t=2,p=1", costs(kept))
	require.Equal(t, costs(kept), costs(p.cost.decoy()))
	ok, err := p.matches(t.Context(), password, kept, true)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = p.matches(t.Context(), "", p.cost.decoy(), false)
	require.NoError(t, err)
	require.False(t, ok)
	for _, bad := range []string{
		"", "$argon2id$v=19$m=65536,t=2,p=1$$", "$argon2i$v=19$m=65536,t=2,p=1$AAAA$AAAA",
		strings.Replace(kept, "m=65536", "m=4000000000", 1),
	} {
		_, err := p.matches(t.Context(), password, bad, false)
		require.Error(t, err, bad)
	}
}
