package people

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A stranger who guesses without end keeps the person out of other networks only; wrong codes with the right password
// shut it for a while.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.enrolled("kim", domain.Operator)
	s.signIn(secret)
	now := time.Now()
	s.byName.Now, s.byOrigin.Now = func() time.Time { return now }, func() time.Time { return now }
	guess := func(from, password, code string) error {
		p := s.proof(secret)
		p.Address, p.Password = from, password
		if code != "" {
			p.Code = code
		}
		_, _, err := s.SignIn(t.Context(), p, "")
		return err
	}
	var wait *domain.WaitError
	for range perName.Burst {
		require.Equal(t, domain.NoSignInError(), guess(stranger, "x", ""))
	}
	require.ErrorAs(t, guess(stranger, password, ""), &wait, "the right password waits too")
	require.Equal(t, 60, wait.RetryAfter())
	require.ErrorAs(t, guess("203.0.113.5", password, ""), &wait, "from everywhere")
	require.NoError(t, guess(office, password, ""), "but not where the person has been before")
	s.sql(`UPDATE passwords SET last_step = 0`)
	now = now.Add(time.Minute)
	require.NoError(t, guess("203.0.113.5", password, ""), "an attempt a minute is left to all others")

	s.sql(`UPDATE passwords SET last_step = 0`)
	for range maxWrongCodes {
		require.Equal(t, domain.NoSignInError(), guess(office, password, "000000"))
	}
	require.Equal(t, domain.NoSignInError(), guess(office, password, ""), "the password is known to another one")
	s.sql(`UPDATE passwords SET wrong_code_at = now() - $1::interval`, codesWait-time.Minute)
	require.Equal(t, domain.NoSignInError(), guess(office, password, ""))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM passwords WHERE wrong_code_at < now() - $1::interval`,
		codesWait-2*time.Minute), "an attempt in the locked time does not extend it")
	s.sql(`UPDATE passwords SET wrong_code_at = now() - $1::interval`, codesWait)
	require.Equal(t, domain.NoSignInError(), guess(office, password, "000000"))
	require.NoError(t, guess(office, password, ""), "after it the count begins anew")

	for range perOrigin.Burst {
		_ = guess(stranger, "x", "")
	}
	require.ErrorAs(t, guess(stranger, "x", ""), &wait)
	require.Equal(t, 6, wait.RetryAfter())
	require.Equal(t, "192.0.2.7/32", Network(office))
	require.Equal(t, Network("2001:db8::1"), Network("2001:db8::ffff:1"))
	require.NotEqual(t, Network("2001:db8::1"), Network("2001:db8:0:1::1"))
}

// Addresses and names cost a stranger nothing: with ever other ones he uses up what all strangers have together, and
// the place where they wait, but a person comes in from where the person has been before.
func TestStrangersTogether(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.enrolled("kim", domain.Operator)
	s.signIn(secret)
	now := time.Now()
	s.unknown.Now = func() time.Time { return now }
	guess := func(i int) error {
		_, _, err := s.SignIn(t.Context(), Credentials{
			Name: fmt.Sprint("name", i), Password: "x", Code: "000000", Address: fmt.Sprintf("2001:db8:%x::1", i),
		}, "")
		return err
	}
	for i := range perUnknown.Burst - 1 { // kim has used one
		require.Equal(t, domain.NoSignInError(), guess(i))
	}
	var wait *domain.WaitError
	require.ErrorAs(t, guess(perUnknown.Burst), &wait)
	require.Equal(t, 1, wait.RetryAfter())
	s.signIn(secret)

	now = now.Add(time.Minute)
	leave, err := s.hashing.strangers.wait(t.Context())
	require.NoError(t, err)
	var all sync.WaitGroup
	full := make(chan error, 3*maxStrangers)
	for i := range 3 * maxStrangers {
		all.Go(func() { full <- guess(i + 1000) })
	}
	for range 2*maxStrangers + 1 { // one place is taken by the turn
		require.ErrorAs(t, <-full, &wait, "a stranger who finds no place is told at once")
	}
	require.Equal(t, 2, wait.RetryAfter())
	s.signIn(secret)
	leave()
	all.Wait()
	for range maxStrangers - 1 {
		require.Equal(t, domain.NoSignInError(), <-full)
	}
}

// The audit tells of the first failure of a person and not of each; of unknown names it tells nothing.
func TestFailuresInTheAudit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.enrolled("kim", domain.Operator)
	wrong := s.proof(secret)
	wrong.Password, wrong.Address = "x", stranger
	for range 3 {
		_, _, err := s.SignIn(t.Context(), wrong, "")
		require.Equal(t, domain.NoSignInError(), err)
	}
	unknown := wrong
	unknown.Name = "park"
	_, _, err := s.SignIn(t.Context(), unknown, "")
	require.Equal(t, domain.NoSignInError(), err)
	const refused = `SELECT count(*) FROM audit_log WHERE action = 'session.refused'`
	require.Equal(t, 1, s.count(refused+` AND actor = 'address:198.51.100.9' AND object = 'person kim'`))
	require.Equal(t, 1, s.count(refused))
	s.sql(`UPDATE passwords SET failed_at = now() - $1::interval - interval '1s'`, auditFailures)
	_, _, err = s.SignIn(t.Context(), wrong, "")
	require.Equal(t, domain.NoSignInError(), err)
	require.Equal(t, 1, s.count(refused+` AND after->>'failures' = '4'`))

	v, _ := s.signIn(secret)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM audit_log WHERE action = 'session.begin' AND actor = 'kim'
		AND session_id = $1 AND after @> '{"failures_before": 4, "address": "192.0.2.7"}'`, v.ID))
}

// The time and the answer of a refusal tell no known name from an unknown one: not when the sign-in waits, and not when
// the failure cannot be noted, as in a database that is read-only.
func TestRefusalTellsNothing(t *testing.T) {
	t.Parallel()
	for took, left := range map[time.Duration]time.Duration{0: 700, 1: 699, 699: 1, 700: 700, 1500: 600} {
		require.Equal(t, left*time.Millisecond, padding(took*time.Millisecond, refuseIn))
	}
	s := setup(t)
	s.enrolled("kim", domain.Viewer)
	s.sql(`ALTER TABLE passwords ADD CHECK (failures = 0)`)
	for _, name := range []string{"kim", "lee"} {
		_, _, err := s.SignIn(t.Context(), Credentials{Name: name, Password: "x", Code: "000000", Address: office}, "")
		require.Equal(t, domain.NoSignInError(), err, name)
	}
}
