package listkey

import (
	"context"
	"log/slog"
	"testing"

	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/internal/logtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// store is a database with an event whose list is hashed.
type store struct {
	*eventtest.DB

	event int64
}

func newStore(t *testing.T) store {
	t.Helper()
	db := eventtest.New(t)
	return store{db, db.Event()}
}

func (s store) in(f func(context.Context, pgx.Tx) error) error {
	return pgx.BeginFunc(s.Context(), s.Pool, func(tx pgx.Tx) error { return f(s.Context(), tx) })
}

// made makes the key of the event as an import does, and returns what was logged.
func (s store) made(k Keys) (key *seal.Key, isNew bool, logged string, err error) {
	var log logtest.Log
	k.Log = slog.New(slog.NewTextHandler(&log, nil))
	err = s.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		if key, isNew, err = k.ForImport(ctx, tx, s.event); err != nil || !isNew {
			return err
		}
		return k.Insert(ctx, tx, s.event, key)
	})
	return key, isNew, log.String(), err
}

// key reads the key as what checks the list does.
func (s store) key(k Keys) (key *seal.Key, err error) {
	err = s.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		key, err = k.Key(ctx, tx, s.event)
		return err
	})
	return key, err
}

func master(t *testing.T) *seal.Master {
	t.Helper()
	m, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	return m
}

func code(c domain.Code) error { return &domain.Error{Code: c} }

// The first import makes the event's key, and all that come after it use the same: the hashes of two lists add up.
func TestAnEventHasOneKey(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	k := Keys{Master: master(t), WrappedOnly: true}
	first, isNew, logged, err := s.made(k)
	require.NoError(t, err)
	require.True(t, isNew)
	require.Empty(t, logged, "it is wrapped")
	second, isNew, _, err := s.made(k)
	require.NoError(t, err)
	require.False(t, isNew)
	read, err := s.key(k)
	require.NoError(t, err)
	for _, key := range []*seal.Key{second, read} {
		require.Equal(t, first.Bare(), key.Bare())
	}
	require.Zero(t, s.Int(`SELECT count(*) FROM event_keys WHERE position($1 in wrapped) > 0`, first.Bare()),
		"it does not lie in the database as it is")
}

// A key that cannot be used is refused with what to do about the master key, and never made anew: the list would look
// changed.
func TestAKeyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	one := master(t)
	for name, c := range map[string]struct {
		made, used Keys
		want       string
	}{
		"no master key any more":     {Keys{Master: one}, Keys{}, "needs a master key, and there is none"},
		"another master key":         {Keys{Master: one}, Keys{Master: master(t)}, "wrapped by another master key"},
		"as it is, in production":    {Keys{}, Keys{Master: one, WrappedOnly: true}, "which production refuses"},
		"as it is, without a master": {Keys{}, Keys{WrappedOnly: true}, "which production refuses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			_, _, _, err := s.made(c.made)
			require.NoError(t, err)
			kept := s.Text(`SELECT encode(wrapped, 'hex') FROM event_keys`)
			_, isNew, _, err := s.made(c.used)
			require.ErrorIs(t, err, code(domain.MissingKeys))
			require.ErrorContains(t, err, c.want)
			require.False(t, isNew)
			_, err = s.key(c.used)
			require.ErrorIs(t, err, code(domain.MissingKeys))
			require.Equal(t, kept, s.Text(`SELECT encode(wrapped, 'hex') FROM event_keys`))
		})
	}
}

// Production makes no key that no master key wraps. Elsewhere one is made, and a warning says what that means.
func TestAKeyWithoutAMaster(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, _, _, err := s.made(Keys{WrappedOnly: true})
	require.ErrorIs(t, err, code(domain.MissingKeys))
	require.Zero(t, s.Int(`SELECT count(*) FROM event_keys`))
	bare, _, logged, err := s.made(Keys{})
	require.NoError(t, err)
	require.Contains(t, logged, "set BESTOW_MASTER_KEY")
	read, err := s.key(Keys{Master: master(t)})
	require.NoError(t, err, "a master key that came later leaves it usable")
	require.Equal(t, bare.Bare(), read.Bare())
}

// A key that is gone after the import is told as a changed list: nothing can be checked under it.
func TestAKeyThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	k := Keys{Master: master(t)}
	_, _, _, err := s.made(k)
	require.NoError(t, err)
	s.Exec(`DELETE FROM event_keys`)
	_, err = s.key(k)
	require.ErrorIs(t, err, code(domain.ContentChanged))
}
