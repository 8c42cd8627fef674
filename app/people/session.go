package people

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// The times of a session.
const (
	Lifetime = 12 * time.Hour   // from its beginning
	Idle     = 30 * time.Minute // from the last request
	Fresh    = 5 * time.Minute  // from the last password and code: what is dangerous asks for a fresh session
)

// Session is a person's session as it is kept: not its token.
type Session struct {
	ID        int64
	Name      string // of the person
	Role      domain.Role
	Address   string // where it began
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	FreshAt   time.Time
	ExpiresAt time.Time
}

// EndsAt returns when the session ends if no request comes.
func (s Session) EndsAt() time.Time {
	if idle := s.SeenAt.Add(Idle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// FreshUntil returns until when the session is fresh.
func (s Session) FreshUntil() time.Time { return s.FreshAt.Add(Fresh) }

// owner is who has a session's token, and until when the session is fresh by this process's clock.
type owner struct {
	principal  domain.Principal
	freshUntil time.Time
}

// ErrEnded is the error of a session that there was and that has ended.
var ErrEnded = errors.New("the session has ended")

// Identify returns who has the session's token, whether there is such a session, and whether it is fresh. What it has
// found counts for [known.For], and for [known.StaleFor] while the database does not answer. Errors: ErrEnded; that of
// the database.
func (s *People) Identify(ctx context.Context, token string) (p domain.Principal, fresh, found bool, err error) {
	if !IsToken(token) {
		return p, false, false, nil
	}
	hasEnded := false
	lookUp := func(ctx context.Context) (o owner, lasts time.Duration, err error) {
		v, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (valid, error) { return selectValid(ctx, tx, sumOf(token)) })
		if err == nil && v.hasEnded {
			hasEnded, err = true, pgx.ErrNoRows
		}
		if err != nil {
			return o, 0, err
		}
		s.note(ctx, v)
		return owner{
			domain.Principal{Name: v.name, Role: v.role, SessionID: v.id}, s.sessions.Now().Add(v.freshFor),
		}, v.lasts, nil
	}
	o, found, err := s.sessions.Find(ctx, sumOf(token), lookUp)
	if hasEnded {
		return domain.Principal{}, false, false, ErrEnded
	}
	return o.principal, s.sessions.Now().Before(o.freshUntil), found, err
}

// IsToken reports whether the text may be a token.
func IsToken(text string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(raw) == len(sumOf(""))
}

// note keeps the moment at which the session was used, once a minute.
func (s *People) note(ctx context.Context, v valid) {
	if v.touched {
		return
	}
	if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return touch(ctx, tx, v.id) }); err != nil {
		s.log.DebugContext(ctx, "the use of a session was not noted", "session_id", v.id, obs.Err, err)
	}
}

// Session returns a session that goes on. Error: domain.NotFound.
func (s *People) Session(ctx context.Context, id int64) (Session, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (Session, error) { return selectSession(ctx, tx, id) })
}

// GoesOn reports whether the session may still be used. To ask is no use of it.
func (s *People) GoesOn(ctx context.Context, id int64) (bool, error) {
	_, err := s.Session(ctx, id)
	if domain.IsCode(err, domain.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Sessions returns the sessions that go on, the newest first.
func (s *People) Sessions(ctx context.Context) ([]Session, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]Session, error) { return selectSessions(ctx, tx) })
}

// SignOut ends the caller's own session. One that has ended stays so.
func (s *People) SignOut(ctx context.Context, by command.Caller) error {
	err := s.end(ctx, by, by.SessionID, "session.end")
	if domain.IsCode(err, domain.NotFound) {
		return nil
	}
	return err
}

// End ends the session with the id. Within [known.For], no process takes it any more. Error: domain.NotFound for a
// session that does not go on.
func (s *People) End(ctx context.Context, by command.Caller, id int64) error {
	return s.end(ctx, by, id, "session.revoke")
}

func (s *People) end(ctx context.Context, by command.Caller, id int64, action string) error {
	_, err := command.Run(ctx, s.pool, by, command.Command[struct{}]{
		Do: func(tx pgx.Tx) (struct{}, error) {
			v, err := lockSession(ctx, tx, id)
			if err != nil {
				return struct{}{}, err
			}
			if err := updateEnded(ctx, tx, id, by.Actor); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, command.Record(ctx, tx, by, command.Change{Action: action, Object: object(v)})
		},
	})
	if err == nil {
		s.forgetSession(id)
	}
	return err
}

// begin makes a session of the person.
func begin(
	ctx context.Context, tx pgx.Tx, by command.Caller, principal int64, address, token string, facts map[string]any,
) (Session, error) {
	if err := deleteOldSessions(ctx, tx, principal); err != nil {
		return Session{}, err
	}
	id, err := insertSession(ctx, tx, principal, address, sumOf(token))
	if err != nil {
		return Session{}, err
	}
	v, err := selectSession(ctx, tx, id)
	if err != nil {
		return Session{}, err
	}
	by.SessionID = id
	facts["address"] = address
	return v, command.Record(ctx, tx, by, command.Change{Action: "session.begin", Object: object(v), After: facts})
}

// endToken ends the session with the token, if there is one.
func endToken(ctx context.Context, tx pgx.Tx, token, actor string) error {
	if !IsToken(token) {
		return nil
	}
	return updateEndedByToken(ctx, tx, sumOf(token), actor)
}

func (s *People) forgetToken(token string) {
	gone := sumOf(token)
	s.sessions.Forget(func(sum known.Sum, _ owner) bool { return sum == gone })
}

func (s *People) forgetSession(id int64) {
	s.sessions.Forget(func(_ known.Sum, o owner) bool { return o.principal.SessionID == id })
}

func object(v Session) string { return fmt.Sprintf("session %d of %s", v.ID, v.Name) }
