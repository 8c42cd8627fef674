package people

import (
	"errors"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	password = "correct horse battery"
	office   = "192.0.2.7"
	stranger = "198.51.100.9"
)

var host = command.Caller{Actor: "host:root"}

type setting struct {
	*testing.T
	*People

	pool *pgxpool.Pool
}

func setup(t *testing.T) setting {
	t.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	pool := pgtest.New(t)
	s := setting{T: t, pool: pool}
	s.People = s.another(master)
	return s
}

// another is a process of its own on the same database.
func (s setting) another(master *seal.Master) *People {
	s.Helper()
	p, err := New(Config{Pool: s.pool, Master: master, WrappedOnly: true})
	require.NoError(s, err)
	p.refuseIn, p.cost = time.Millisecond, cost{memory: 64, passes: 1, lanes: 1}
	return p
}

func (s setting) sql(change string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), change, args...)
	require.NoError(s, err)
}

func (s setting) count(query string, args ...any) (n int) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), query, args...).Scan(&n))
	return n
}

// code returns the code that the phone shows.
func (s setting) code(secret string) string {
	s.Helper()
	var now time.Time
	require.NoError(s, s.pool.QueryRow(s.Context(), `SELECT now()`).Scan(&now))
	code, err := totp.GenerateCode(secret, now)
	require.NoError(s, err)
	return code
}

func (s setting) invite(name string, role domain.Role) MadeInvite {
	s.Helper()
	made, err := s.Invite(s.Context(), host, NewInvite{Name: name, Role: role, OnHost: true})
	require.NoError(s, err)
	return made
}

// enrolled is a person with a password and a phone, whose codes have not been used.
func (s setting) enrolled(name string, role domain.Role) (secret string) {
	s.Helper()
	made := s.invite(name, role)
	e, err := s.Open(s.Context(), made.Token, office)
	require.NoError(s, err)
	_, _, err = s.Enrol(s.Context(), made.Token, Credentials{Password: password, Code: s.code(e.Secret), Address: office})
	require.NoError(s, err)
	s.sql(`UPDATE passwords SET last_step = 0; DELETE FROM sessions`)
	return e.Secret
}

func (s setting) signIn(secret string) (Session, string) {
	s.Helper()
	v, token, err := s.SignIn(s.Context(), s.proof(secret), "")
	require.NoError(s, err)
	s.sql(`UPDATE passwords SET last_step = 0`)
	return v, token
}

func (s setting) proof(secret string) Credentials {
	s.Helper()
	return Credentials{Name: "kim", Password: password, Code: s.code(secret), Address: office}
}

func (s setting) admits(p *People, token string) bool {
	s.Helper()
	_, _, found, err := p.Identify(s.Context(), token)
	if errors.Is(err, ErrEnded) {
		require.False(s, found)
		return false
	}
	require.NoError(s, err)
	return found
}

// tables is all that the database holds, as text.
func (s setting) tables() string {
	s.Helper()
	text, err := pg.Value(s.Context(), s.pool, func(tx pgx.Tx) (all string, err error) {
		rows, err := tx.Query(s.Context(), `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
			WHERE schemaname IN ('public', 'money', 'river')`)
		if err != nil {
			return "", err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return "", err
		}
		for _, table := range tables {
			var text string
			query := `SELECT coalesce(string_agg(t::text, E'\n'), '') FROM ` + table + ` t`
			if err := tx.QueryRow(s.Context(), query).Scan(&text); err != nil {
				return "", err
			}
			all += text + "\n"
		}
		return all, nil
	})
	require.NoError(s, err)
	return text
}
