package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// InviteLasts is how long a link is good.
const InviteLasts = 15 * time.Minute

// NewInvite holds what is said of an invite to be made.
type NewInvite struct {
	Name   string
	Role   domain.Role // "": that of the person, or admin for a new one
	Unread []domain.Field
	// OnHost allows an invite of a person who has a password already, which replaces the password and the phone, and of
	// a person of the company's identity provider.
	OnHost bool
}

// MadeInvite is a new invite and its token, which is shown this once.
type MadeInvite struct {
	ID        int64
	Name      string
	Role      domain.Role
	ExpiresAt time.Time
	Token     string
}

// Invite makes a link by which a person sets a password and enrols a phone. It makes the person where there is none,
// and ends the person's earlier links. Errors: domain.Invalid with every offending field; NameTaken for a service, for
// a person of another role, for one that is disabled, and, but on the host, for one that has signed in already;
// PasswordsOff, but on the host, where people sign in with the company's identity provider.
func (s *People) Invite(ctx context.Context, by command.Caller, n NewInvite) (MadeInvite, error) {
	n.Name = norm.NFC.String(strings.TrimSpace(n.Name))
	if err := n.check(); err != nil {
		return MadeInvite{}, err
	}
	if s.company && !n.OnHost {
		return MadeInvite{}, domain.PasswordsOffError()
	}
	token := newToken()
	made, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (MadeInvite, error) { return invite(ctx, tx, by, n, token) })
	made.Token = token
	return made, err
}

func invite(ctx context.Context, tx pgx.Tx, by command.Caller, n NewInvite, token string) (MadeInvite, error) {
	if err := insertPerson(ctx, tx, by.Actor, n.Name, n.Role); err != nil {
		return MadeInvite{}, err
	}
	p, err := lockPerson(ctx, tx, n.Name)
	if err != nil {
		return MadeInvite{}, err
	}
	if err := n.fits(p); err != nil {
		return MadeInvite{}, err
	}
	made, err := insertInvite(ctx, tx, p, by.Actor, sumOf(token))
	if err != nil {
		return MadeInvite{}, err
	}
	return made, command.Record(ctx, tx, by, command.Change{
		Action: "invite.create", Object: fmt.Sprintf("invite %d of %s", made.ID, made.Name),
		After: map[string]any{"name": made.Name, "role": made.Role, "expires_at": made.ExpiresAt.UTC()},
	})
}

// check returns domain.Invalid with every field that cannot be.
func (n NewInvite) check() error {
	f := domain.Faults(slices.Clone(n.Unread))
	f.Add("name", domain.CheckPrincipal(n.Name))
	if n.Role != "" || !n.OnHost {
		f.Add("role", n.Role.Check())
	}
	return f.Refusal("the person cannot be invited like this")
}

// person is a principal that is to be invited.
type person struct {
	id                                 int64
	name                               string
	role                               domain.Role
	isService, isDisabled, hasPassword bool
	hasIdentity                        bool // of the company's identity provider
}

// fits returns domain.NameTaken if p cannot be invited by n.
func (n NewInvite) fits(p person) error {
	switch {
	case p.isService:
		return domain.NameTakenError("the principal "+p.name+" is a service, which has keys and does not sign in",
			"take another name")
	case p.isDisabled:
		return domain.NameTakenError("the principal "+p.name+" is disabled", "take another name")
	case n.Role != "" && n.Role != p.role:
		return domain.NameTakenError(fmt.Sprintf("the principal %s has the role %s", p.name, p.role),
			"invite the person with that role, or take another name")
	case p.hasPassword && !n.OnHost:
		return domain.NameTakenError(p.name+" has a password and a phone already",
			"`bestow admin invite "+p.name+"` on the host replaces both")
	case p.hasIdentity && !n.OnHost:
		return domain.NameTakenError(p.name+" signs in with the company's identity provider",
			"`bestow admin invite "+p.name+"` on the host gives a password and a phone too")
	}
	return nil
}

// Enrolment holds the secret that a person who has opened a link puts into a phone.
type Enrolment struct {
	Name      string
	Role      domain.Role
	Secret    string // of the codes, to be typed
	URI       string // of the secret, which phones read as a QR code
	ExpiresAt time.Time
}

// Open makes the secret of the codes for the person who has the link. Each call makes another one, and the last one
// counts: a person who opened the link before does not know it. Errors: domain.NotFound for a link that is unknown,
// used or too old; domain.WaitError; domain.MissingKeys.
func (s *People) Open(ctx context.Context, token, address string) (Enrolment, error) {
	if err := s.Admit(address); err != nil {
		return Enrolment{}, err
	}
	key, err := s.newKey()
	if err != nil {
		return Enrolment{}, err
	}
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (Enrolment, error) {
		v, err := lockInvite(ctx, tx, sumOf(token))
		if err != nil {
			return Enrolment{}, err
		}
		if err := updateWrapped(ctx, tx, v.id, s.keys.Kept(v.principal, key)); err != nil {
			return Enrolment{}, err
		}
		secret := secretOf(key)
		return Enrolment{
			Name: v.name, Role: v.role, Secret: secret, URI: otpauth(v.name, secret), ExpiresAt: v.expiresAt,
		}, nil
	})
}

func (s *People) newKey() (*seal.Key, error) {
	if err := s.keys.Makes(); err != nil {
		return nil, missing(err)
	}
	return seal.NewKey()
}

// Enrol uses the link up: it sets the person's password and phone, ends the person's sessions, and begins one. Errors:
// those of Open; domain.Invalid for a password that is too weak, or a code that is not that of now.
func (s *People) Enrol(ctx context.Context, token string, p Credentials) (Session, string, error) {
	if err := s.Admit(p.Address); err != nil {
		return Session{}, "", err
	}
	// A hash is costly, so it is made for a link that is good, and outside of the transaction that uses the link up.
	if _, err := s.checkEnrolment(ctx, token, p); err != nil {
		return Session{}, "", err
	}
	hash, err := s.hash(ctx, p.Password)
	if err != nil {
		return Session{}, "", err
	}
	cookie := newToken()
	session, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (Session, error) {
		v, err := lockInvite(ctx, tx, sumOf(token))
		if err != nil {
			return Session{}, err
		}
		step, err := s.fitsInvite(ctx, tx, v, p)
		if err != nil {
			return Session{}, err
		}
		return enrol(ctx, tx, v, p, hash, cookie, step)
	})
	if err != nil {
		return Session{}, "", err
	}
	s.sessions.Forget(func(_ known.Sum, o owner) bool { return o.principal.Name == session.Name })
	return session, cookie, nil
}

// checkEnrolment refuses what cannot be enrolled.
func (s *People) checkEnrolment(ctx context.Context, token string, p Credentials) (int64, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (int64, error) {
		v, err := lockInvite(ctx, tx, sumOf(token))
		if err != nil {
			return 0, err
		}
		return s.fitsInvite(ctx, tx, v, p)
	})
}

// fitsInvite returns the step of the code, if the password and the code may be enrolled. Error: domain.Invalid.
func (s *People) fitsInvite(ctx context.Context, tx pgx.Tx, v openInvite, p Credentials) (step int64, err error) {
	var fields []domain.Field
	if why := weak(p.Password, v.name); why != "" {
		fields = append(fields, domain.Field{Name: "password", Message: why})
	}
	if v.wrapped != nil {
		key, err := s.keys.Open(v.principal, v.wrapped)
		if err != nil {
			return 0, missing(err)
		}
		now, err := pg.Now(ctx, tx)
		if err != nil {
			return 0, err
		}
		if step, err = stepOf(key, p.Code, now); err != nil {
			return 0, err
		}
	}
	if step == 0 {
		fields = append(fields, domain.Field{
			Name: "code", Message: "is not the code that the phone shows now; check the phone's clock",
		})
	}
	if len(fields) > 0 {
		return 0, domain.InvalidError("the password or the code cannot be taken", "correct what is named", fields...)
	}
	return step, nil
}

func enrol(
	ctx context.Context, tx pgx.Tx, v openInvite, p Credentials, hash, cookie string, step int64,
) (Session, error) {
	if err := updateUsed(ctx, tx, v.id); err != nil {
		return Session{}, err
	}
	if err := upsertPassword(ctx, tx, v, hash, step); err != nil {
		return Session{}, err
	}
	if err := updateAllEnded(ctx, tx, v.principal, v.name); err != nil {
		return Session{}, err
	}
	by := command.Caller{Actor: v.name, RequestID: p.RequestID}
	if err := command.Record(ctx, tx, by, command.Change{
		Action: "person.enrol", Object: fmt.Sprintf("person %s by invite %d", v.name, v.id),
	}); err != nil {
		return Session{}, err
	}
	return begin(ctx, tx, by, v.principal, p.Address, cookie, map[string]any{})
}
