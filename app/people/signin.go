package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Credentials holds the name, the password and the code by which a person signs in.
type Credentials struct {
	Name, Password, Code string
	Address              string // that the request came from
	RequestID            string
}

// After maxWrongCodes wrong codes with the right password, the password opens nothing for codesWait: only a person who
// knows it can bring this about.
const (
	maxWrongCodes = 5
	codesWait     = 15 * time.Minute
)

// auditFailures is the least time between two rows of the audit about failures of one person.
const auditFailures = 10 * time.Minute

// SignIn begins a session, and returns it with its token. A session whose token is old ends. Errors: domain.NoSignIn,
// the same for each reason and after the same time; domain.WaitError; domain.MissingKeys.
func (s *People) SignIn(ctx context.Context, p Credentials, old string) (Session, string, error) {
	c, step, err := s.prove(ctx, p)
	if err != nil {
		return Session{}, "", err
	}
	token := newToken()
	by := command.Caller{Actor: c.name, RequestID: p.RequestID}
	session, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (Session, error) {
		failures, err := takeCode(ctx, tx, c, step)
		if err != nil {
			return Session{}, err
		}
		if err := endToken(ctx, tx, old, c.name); err != nil {
			return Session{}, err
		}
		return begin(ctx, tx, by, c.principal, p.Address, token, map[string]any{"failures_before": failures})
	})
	if err != nil {
		return Session{}, "", err
	}
	s.forgetToken(old)
	return session, token, nil
}

// Refresh makes the session fresh again, and gives it another token. Errors: those of SignIn; domain.NotFound for a
// session that has ended.
func (s *People) Refresh(ctx context.Context, sessionID int64, p Credentials) (Session, string, error) {
	c, step, err := s.prove(ctx, p)
	if err != nil {
		return Session{}, "", err
	}
	token := newToken()
	by := command.Caller{Actor: c.name, SessionID: sessionID, RequestID: p.RequestID}
	session, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (Session, error) {
		if _, err := takeCode(ctx, tx, c, step); err != nil {
			return Session{}, err
		}
		if err := updateFresh(ctx, tx, sessionID, c.principal, sumOf(token)); err != nil {
			return Session{}, err
		}
		v, err := selectSession(ctx, tx, sessionID)
		if err != nil {
			return Session{}, err
		}
		return v, command.Record(ctx, tx, by, command.Change{Action: "session.fresh", Object: object(v)})
	})
	if err != nil {
		return Session{}, "", err
	}
	s.forgetSession(sessionID)
	return session, token, nil
}

// prove returns the credential of the person who has shown a password and a code that counts, and the code's step. It
// answers each refusal at the same time after its beginning, or at a multiple of it.
func (s *People) prove(ctx context.Context, p Credentials) (credential, int64, error) {
	begun := time.Now()
	c, step, err := s.judge(ctx, p)
	if domain.IsCode(err, domain.NoSignIn) {
		select {
		case <-time.After(padding(time.Since(begun), s.refuseIn)):
		case <-ctx.Done():
		}
	}
	return c, step, err
}

// padding returns the time that is left to the next multiple of step: a sign-in that waits for others' hashes takes
// longer than one step.
func padding(took, step time.Duration) time.Duration { return step - took%step }

func (s *People) judge(ctx context.Context, p Credentials) (credential, int64, error) {
	c, kind, err := s.admit(ctx, p)
	if err != nil {
		return c, 0, err
	}
	right, step, err := s.compare(ctx, c, p)
	if err != nil {
		return c, 0, err
	}
	if right && step > c.lastStep && c.may() && (!s.company || c.onHost()) {
		s.byName.Forget(kind)
		return c, step, nil
	}
	s.noteFailure(ctx, c, right, p)
	return c, 0, domain.NoSignInError()
}

// admit returns the credential of the name, and what the attempt is counted as. Error: domain.WaitError.
func (s *People) admit(ctx context.Context, p Credentials) (c credential, kind string, err error) {
	name, network := norm.NFC.String(strings.TrimSpace(p.Name)), Network(p.Address)
	if err := s.Admit(p.Address); err != nil {
		return c, "", err
	}
	if domain.CheckText(name, domain.MaxPrincipal) != "" {
		name = "" // of no person, and PostgreSQL may not be able to compare it
	}
	if c, err = s.credentialOf(ctx, name, network); err != nil {
		return c, "", err
	}
	if c.knownNetwork {
		kind = name + "\n" + network
	} else {
		kind, err = name, take(s.unknown, struct{}{})
	}
	if err == nil {
		err = take(s.byName, kind)
	}
	return c, kind, err
}

// compare reports whether the password is right, and returns the step of the code, 0 for a wrong one.
func (s *People) compare(ctx context.Context, c credential, p Credentials) (right bool, step int64, err error) {
	if right, err = s.matches(ctx, p.Password, c.hash, c.knownNetwork); err != nil {
		return false, 0, err
	}
	key, err := s.keyOf(c)
	if err != nil && right {
		return true, 0, err
	}
	if err == nil {
		step, err = stepOf(key, p.Code, c.now)
		return right, step, err
	}
	return false, 0, nil
}

// credential holds what the database has of a person's password and phone.
type credential struct {
	principal    int64 // 0: the decoy
	name         string
	invitedBy    string
	disabled     bool
	hash         string
	wrapped      []byte
	key          *seal.Key // of the decoy
	lastStep     int64
	wrongCodes   int
	wrongCodeAt  *time.Time
	knownNetwork bool // the person has signed in from there before
	now          time.Time
}

// may reports whether the credential opens anything at all.
func (c credential) may() bool {
	locked := c.wrongCodes >= maxWrongCodes && c.wrongCodeAt != nil && c.now.Before(c.wrongCodeAt.Add(codesWait))
	return c.principal != 0 && !c.disabled && !locked
}

// onHost reports whether the person was invited on the host. No principal has a name with a colon.
func (c credential) onHost() bool { return strings.HasPrefix(c.invitedBy, "host:") }

// credentialOf returns the credential of the name, or the decoy.
func (s *People) credentialOf(ctx context.Context, name, network string) (credential, error) {
	c, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (credential, error) {
		return selectCredential(ctx, tx, name, network)
	})
	if err == nil && c.hash == "" {
		now := c.now
		c = credential{hash: s.cost.decoy(), key: s.decoy, now: now}
	}
	return c, err
}

func (s *People) keyOf(c credential) (*seal.Key, error) {
	if c.key != nil {
		return c.key, nil
	}
	key, err := s.keys.Open(c.principal, c.wrapped)
	return key, missing(err)
}

// noteFailure counts a failure to sign in, and tells the audit of it, but not of each. Its own failure is logged only:
// in an answer it would tell a known name from an unknown one.
func (s *People) noteFailure(ctx context.Context, c credential, right bool, p Credentials) {
	if c.principal == 0 {
		return
	}
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		failures, tell, err := updateFailure(ctx, tx, c.principal, right)
		if err != nil || !tell {
			return err
		}
		by := command.Caller{Actor: "address:" + p.Address, RequestID: p.RequestID}
		return command.Record(ctx, tx, by, command.Change{
			Action: "session.refused", Object: "person " + c.name,
			After: map[string]any{"failures": failures, "right_password": right},
		})
	})
	if err != nil {
		s.log.WarnContext(ctx, "a refused sign-in was not noted", obs.Err, err)
	}
}

// newToken returns a random token of 256 bits, which is never kept.
func newToken() string {
	raw := make([]byte, sha256.Size)
	_, _ = rand.Read(raw) // never fails: it would end the process
	return base64.RawURLEncoding.EncodeToString(raw)
}

// sumOf returns what is kept of a token.
func sumOf(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }
