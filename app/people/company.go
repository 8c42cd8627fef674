package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Employee is a person whom the company's identity provider has signed in.
type Employee struct {
	Issuer, Subject string
	Name            string        // for a person who has not been here before
	Role            domain.Role   // "": the provider gives none
	FreshFor        time.Duration // for which the session is fresh; 0 or less: it is not
}

// SignInEmployee begins a session of the person whom the provider means, who is made at the first sign-in, and has the
// role that the provider gives now. A session whose token is old ends. Errors: domain.NoRole, after which the person's
// sessions have ended; NameTaken for a first sign-in under the name of another principal; Invalid for such a name that
// cannot be; NoSignIn for a person who is disabled. The caller has counted the attempt ([People.Admit]).
func (s *People) SignInEmployee(ctx context.Context, e Employee, p Credentials, old string) (Session, string, error) {
	token := newToken()
	signedIn, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (employeeSession, error) {
		return signInEmployee(ctx, tx, e, p, old, token)
	})
	if err != nil {
		return Session{}, "", err
	}
	s.forgetToken(old)
	// The person's sessions have ended, or have another role from now on.
	s.sessions.Forget(func(_ known.Sum, o owner) bool { return o.principal.Name == signedIn.name })
	if signedIn.session == nil {
		return Session{}, "", domain.NoRoleError(signedIn.name)
	}
	return *signedIn.session, token, nil
}

// employeeSession is what a sign-in comes to.
type employeeSession struct {
	name    string
	session *Session // nil: the provider gives the person no role
}

func signInEmployee(
	ctx context.Context, tx pgx.Tx, e Employee, p Credentials, old, token string,
) (employeeSession, error) {
	principal, err := lockEmployee(ctx, tx, e)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && e.Role == "":
		return employeeSession{name: e.Name}, nil
	case errors.Is(err, pgx.ErrNoRows):
		principal, err = firstSignIn(ctx, tx, e, p)
	}
	if err != nil {
		return employeeSession{}, err
	}
	signedIn := employeeSession{name: principal.name}
	switch {
	case principal.isDisabled:
		return signedIn, domain.NoSignInError()
	case e.Role == "":
		return signedIn, updateAllEnded(ctx, tx, principal.id, principal.name)
	case e.Role != principal.role:
		by := command.Caller{Actor: e.provider(), RequestID: p.RequestID}
		if err := changeRole(ctx, tx, by, principal, e.Role); err != nil {
			return signedIn, err
		}
	}
	signedIn.session, err = beginEmployee(ctx, tx, e, p, principal, old, token)
	return signedIn, err
}

// beginEmployee begins a session of the principal whom the provider has signed in.
func beginEmployee(
	ctx context.Context, tx pgx.Tx, e Employee, p Credentials, principal person, old, token string,
) (*Session, error) {
	by := command.Caller{Actor: principal.name, RequestID: p.RequestID}
	if err := endToken(ctx, tx, old, principal.name); err != nil {
		return nil, err
	}
	session, err := begin(ctx, tx, by, principal.id, p.Address, token, map[string]any{"issuer": e.Issuer})
	if err != nil {
		return nil, err
	}
	if err := updateFreshFor(ctx, tx, session.ID, e.FreshFor); err != nil {
		return nil, err
	}
	session, err = selectSession(ctx, tx, session.ID)
	return &session, err
}

// provider returns the actor of what the provider changes, as oidc:login.example.com. No principal has such a name,
// since it has a colon.
func (e Employee) provider() string {
	host := e.Issuer
	if u, err := url.Parse(e.Issuer); err == nil && u.Host != "" {
		host = u.Host
	}
	actor := []rune("oidc:" + host)
	return string(actor[:min(len(actor), domain.MaxPrincipal)])
}

// firstSignIn makes a principal of a person who has not been here before. If another request of the person, such as the
// first click of two, has made the principal meanwhile, it returns that one.
func firstSignIn(ctx context.Context, tx pgx.Tx, e Employee, p Credentials) (person, error) {
	made, taken := newEmployee(ctx, tx, e, p)
	if !domain.IsCode(taken, domain.NameTaken) {
		return made, taken
	}
	before, err := lockEmployee(ctx, tx, e)
	if errors.Is(err, pgx.ErrNoRows) {
		return made, taken
	}
	return before, err
}

// newEmployee makes a principal of a person who has not been here before.
func newEmployee(ctx context.Context, tx pgx.Tx, e Employee, p Credentials) (person, error) {
	name := norm.NFC.String(strings.TrimSpace(e.Name))
	if why := cmp.Or(domain.CheckPrincipal(name), domain.Lookalike(name)); why != "" {
		return person{}, domain.InvalidError("the name that the identity provider gives cannot be a principal's: it "+why,
			"have the provider give another preferred_username or email")
	}
	id, err := insertEmployee(ctx, tx, e, name)
	if err != nil {
		return person{}, err
	}
	by := command.Caller{Actor: name, RequestID: p.RequestID}
	return person{id: id, name: name, role: e.Role}, command.Record(ctx, tx, by, command.Change{
		Action: "person.create", Object: "person " + name,
		After: map[string]any{"role": e.Role, "issuer": e.Issuer, "subject": e.Subject},
	})
}

func changeRole(ctx context.Context, tx pgx.Tx, by command.Caller, p person, role domain.Role) error {
	if err := pg.ExecOne(ctx, tx, `UPDATE principals SET role = $2 WHERE id = $1`, p.id, role); err != nil {
		return err
	}
	return command.Record(ctx, tx, by, command.Change{
		Action: "person.role", Object: "person " + p.name,
		Before: map[string]any{"role": p.role}, After: map[string]any{"role": role},
	})
}

// lockEmployee reads the principal whom the provider means. Error: pgx.ErrNoRows.
func lockEmployee(ctx context.Context, tx pgx.Tx, e Employee) (p person, err error) {
	const query = `SELECT p.id, p.name, p.role, p.disabled_at IS NOT NULL
		FROM identities i JOIN principals p ON p.id = i.principal_id
		WHERE i.issuer = $1 AND i.subject = $2 FOR UPDATE OF p`
	if err := tx.QueryRow(ctx, query, e.Issuer, e.Subject).Scan(&p.id, &p.name, &p.role, &p.isDisabled); err != nil {
		return p, fmt.Errorf("read identity: %w", err)
	}
	return p, nil
}

// insertEmployee makes the principal and its identity. Error: domain.NameTaken.
func insertEmployee(ctx context.Context, tx pgx.Tx, e Employee, name string) (id int64, err error) {
	const insert = `WITH made AS (
			INSERT INTO principals (name, kind, role, created_by) VALUES ($1, 'person', $2, 'oidc')
			ON CONFLICT (name) DO NOTHING RETURNING id)
		INSERT INTO identities (principal_id, issuer, subject) SELECT id, $3, $4 FROM made RETURNING principal_id`
	err = tx.QueryRow(ctx, insert, name, e.Role, e.Issuer, e.Subject).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, domain.NameTakenError("the name "+name+", which the identity provider gives, is another principal's",
			"have the provider give another preferred_username or email")
	}
	if err != nil {
		return 0, fmt.Errorf("make person: %w", err)
	}
	return id, nil
}

// updateFreshFor makes the session fresh for the time, at most [Fresh].
func updateFreshFor(ctx context.Context, tx pgx.Tx, id int64, lasts time.Duration) error {
	return pg.ExecOne(ctx, tx, `UPDATE sessions
		SET fresh_at = now() - $3::interval + least(greatest($2::interval, interval '0'), $3::interval)
		WHERE id = $1`, id, lasts, Fresh)
}
