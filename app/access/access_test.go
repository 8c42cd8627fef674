package access

import (
	"strings"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var admin = command.Caller{Actor: domain.AdminName}

type setting struct {
	*testing.T
	*Access

	pool *pgxpool.Pool
}

func setup(t *testing.T) setting {
	t.Helper()
	pool := pgtest.New(t)
	a, err := New(Config{Pool: pool})
	require.NoError(t, err)
	return setting{t, a, pool}
}

func (s setting) make(name string, role domain.Role) MadeKey {
	s.Helper()
	k, err := s.Create(s.Context(), admin, NewKey{Name: name, Role: role})
	require.NoError(s, err)
	return k
}

// admits reports whether the key is anyone's.
func (s setting) admits(key string) bool {
	s.Helper()
	_, known, err := s.Identify(s.Context(), key)
	require.NoError(s, err)
	return known
}

func (s setting) sql(change string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), change, args...)
	require.NoError(s, err)
}

// A key is its principal's, with the principal's role, and no other text is.
func TestIdentify(t *testing.T) {
	t.Parallel()
	s := setup(t)
	k := s.make("crm", domain.Operator)
	p, known, err := s.Identify(t.Context(), k.Secret)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, domain.Principal{Name: "crm", Role: domain.Operator, KeyID: k.ID}, p)
	for _, wrong := range []string{
		"", "bestow_", k.Prefix, k.Prefix + "_", k.Secret + "A", k.Secret[:len(k.Secret)-1],
		strings.ToLower(k.Secret), " " + k.Secret, "bestow_aaaaaaaa_" + strings.Repeat("A", 26), "\x00",
	} {
		require.False(t, s.admits(wrong), "%q", wrong)
	}
	var used *time.Time
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT last_used_at FROM api_keys WHERE id = $1`, k.ID).Scan(&used))
	require.NotNil(t, used, "an admin sees which keys are used")
}

// The database holds no key, nowhere (S2).
func TestNoKeyIsKept(t *testing.T) {
	t.Parallel()
	s := setup(t)
	by := command.Caller{Actor: "admin", Once: &command.Once{Key: "once", Fingerprint: []byte{1}}}
	k, err := s.Create(t.Context(), by, NewKey{Name: "crm", Role: domain.Viewer})
	require.NoError(t, err)
	require.True(t, s.admits(k.Secret))
	tail := k.Secret[len(k.Prefix)+1:]
	for _, table := range []string{"api_keys", "principals", "audit_log", "idempotency_keys"} {
		var hits int
		require.NoError(t, s.pool.QueryRow(t.Context(),
			`SELECT count(*) FROM `+table+` t WHERE t::text LIKE '%' || $1 || '%'`, tail).Scan(&hits))
		require.Zero(t, hits, table)
	}
	by.Once = &command.Once{Key: "once", Fingerprint: []byte{1}}
	_, err = s.Create(t.Context(), by, NewKey{Name: "crm", Role: domain.Viewer})
	require.ErrorIs(t, err, &domain.Error{Code: domain.KeyShown}, "a repeated request makes no second key")
	keys, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
}

// A key ends when it is revoked, when it expires, and when its principal is disabled: here at once, in another process
// within known.For.
func TestKeysEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s setting, k MadeKey){
		"revoked": func(s setting, k MadeKey) {
			other, err := New(Config{Pool: s.pool})
			require.NoError(s, err)
			require.NoError(s, other.Revoke(s.Context(), admin, k.ID))
			require.NoError(s, other.Revoke(s.Context(), admin, k.ID), "it stays revoked")
		},
		"expired":  func(s setting, k MadeKey) { s.sql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, k.ID) },
		"disabled": func(s setting, _ MadeKey) { s.sql(`UPDATE principals SET disabled_at = now() WHERE name = 'crm'`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			now := time.Now()
			s.known.Now = func() time.Time { return now }
			k := s.make("crm", domain.Operator)
			require.True(t, s.admits(k.Secret))
			end(s, k)
			now = now.Add(known.For - time.Millisecond)
			require.True(t, s.admits(k.Secret), "it was looked up a moment ago")
			now = now.Add(time.Millisecond)
			require.False(t, s.admits(k.Secret))
		})
	}
}

// While the database does not answer, a key that was just used goes on, for a while, and others are told to come back.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	s := setup(t)
	now := time.Now()
	s.known.Now = func() time.Time { return now }
	used, unused := s.make("crm", domain.Operator), s.make("shop", domain.Viewer)
	require.True(t, s.admits(used.Secret))
	s.known.Wait = 50 * time.Millisecond
	away, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = away.Exec(t.Context(), `LOCK TABLE api_keys`)
	require.NoError(t, err)
	now = now.Add(known.StaleFor - time.Millisecond)
	require.True(t, s.admits(used.Secret))
	_, _, err = s.Identify(t.Context(), unused.Secret)
	require.True(t, pg.Unavailable(err), "it is told to come back: %v", err)
	now = now.Add(time.Millisecond)
	_, _, err = s.Identify(t.Context(), used.Secret)
	require.True(t, pg.Unavailable(err), "%v", err)
	require.NoError(t, away.Rollback(t.Context()))
	require.True(t, s.admits(used.Secret))
}

// A second key of a name replaces the first without a pause; it cannot have another role.
func TestTwoKeysOfOneName(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := s.make("crm", domain.Operator)
	second := s.make("crm", domain.Operator)
	require.NoError(t, s.Revoke(t.Context(), admin, first.ID))
	require.False(t, s.admits(first.Secret))
	require.True(t, s.admits(second.Secret))
	_, err := s.Create(t.Context(), admin, NewKey{Name: "crm", Role: domain.Admin})
	require.ErrorIs(t, err, &domain.Error{Code: domain.NameTaken})
	require.ErrorIs(t, s.Revoke(t.Context(), admin, 99), &domain.Error{Code: domain.NotFound})
}

// No key acts in the name of a person, whatever role is asked for.
func TestNoKeyOfAPerson(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.sql(`INSERT INTO principals (name, kind, role, created_by) VALUES ('kim', 'person', 'approver', 'test')`)
	for _, role := range []domain.Role{domain.Approver, domain.Admin} {
		_, err := s.Create(t.Context(), admin, NewKey{Name: " kim", Role: role})
		require.ErrorIs(t, err, &domain.Error{Code: domain.NameTaken})
		require.ErrorContains(t, err, "is a person, who signs in and has no key")
	}
	keys, err := s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys)
}

// A service whose name stood before names were compared with others keeps it, and gets its next key.
func TestNextKeyOfALookalike(t *testing.T) {
	t.Parallel()
	s := setup(t)
	n := NewKey{Name: "сrm", Role: domain.Viewer}
	_, err := s.Create(t.Context(), admin, n)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Invalid})
	_, err = s.pool.Exec(t.Context(), `INSERT INTO principals (name, kind, role, created_by) VALUES ('сrm', 'service', 'viewer', 't')`)
	require.NoError(t, err)
	_, err = s.Create(t.Context(), admin, n)
	require.NoError(t, err)
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	s := setup(t)
	past, far := time.Now().Add(-time.Second), time.Now().Add(6*365*24*time.Hour)
	for field, n := range map[string]NewKey{
		"name: is missing":                          {Name: " ", Role: domain.Viewer},
		"name: belongs to BESTOW_ADMIN_KEY":         {Name: "admin", Role: domain.Viewer},
		"name: must not have a colon":               {Name: "host:root", Role: domain.Viewer},
		"name: mixes letters of Cyrillic and Latin": {Name: "аdmin", Role: domain.Viewer},
		"name: has full-width or other":             {Name: "ａdmin", Role: domain.Viewer},
		"belongs to BESTOW_ADMIN_KEY":               {Name: "Admin", Role: domain.Viewer},
		"role: must be viewer":                      {Name: "crm", Role: "owner"},
		"expires_at: must be in the future":         {Name: "crm", Role: domain.Viewer, ExpiresAt: &past},
		"expires_at: must be within five years":     {Name: "crm", Role: domain.Viewer, ExpiresAt: &far},
	} {
		_, err := s.Create(t.Context(), admin, n)
		var refused *domain.Error
		require.ErrorAs(t, err, &refused, field)
		require.Equal(t, domain.Invalid, refused.Code)
		require.Len(t, refused.Fields, 1)
		require.Contains(t, refused.Fields[0].Name+": "+refused.Fields[0].Message, field)
	}
	keys, err := s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys)
}
