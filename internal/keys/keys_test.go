package keys_test

import (
	"fmt"
	"testing"

	"bestow/internal/keys"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newMaster(t *testing.T) *seal.Master {
	t.Helper()
	m, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	return m
}

// keep stores a key of the event, which is made for it, and returns its HMAC of nothing.
func keep(t *testing.T, pool *pgxpool.Pool, s keys.Store, event int64) []byte {
	t.Helper()
	_, err := pool.Exec(t.Context(),
		`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES ($1, $2, 'POINT', 'test')`, event,
		fmt.Sprint(event))
	require.NoError(t, err)
	key, err := seal.NewKey()
	require.NoError(t, err)
	require.NoError(t, pg.InTx(t.Context(), pool,
		func(tx pgx.Tx) error { return s.Insert(t.Context(), tx, event, key) }))
	return key.HMAC(nil)
}

// A key opens in its own table, for its own event, under its own master key; one that is kept as it is opens with and
// without a master key, but not where only wrapped ones count.
func TestKeysOpenWhereTheyWereKept(t *testing.T) {
	t.Parallel()
	pool, master := pgtest.New(t), newMaster(t)
	wrapped, bare := keys.Store{Table: keys.Content, Master: master}, keys.Store{Table: keys.Content}
	sums := map[int64][]byte{1: keep(t, pool, wrapped, 1), 2: keep(t, pool, wrapped, 2), 3: keep(t, pool, bare, 3)}
	_, err := pool.Exec(t.Context(),
		`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (4, '4', 'POINT', 'test'), (5, '5', 'POINT', 'test');
		INSERT INTO event_keys (event_id, wrapped) SELECT 4, wrapped FROM event_keys WHERE event_id = 1;
		INSERT INTO pin_keys (event_id, wrapped) SELECT 1, wrapped FROM event_keys WHERE event_id = 1`)
	require.NoError(t, err)
	for _, c := range []struct {
		name  string
		store keys.Store
		event int64
		want  error
	}{
		{"wrapped", wrapped, 1, nil},
		{"wrapped, where only wrapped ones count", keys.Store{Table: keys.Content, Master: master, WrappedOnly: true}, 2, nil},
		{"bare", bare, 3, nil},
		{"bare, since there is a master key", wrapped, 3, nil},
		{"bare, where only wrapped ones count", keys.Store{Table: keys.Content, Master: master, WrappedOnly: true}, 3, keys.ErrBare},
		{"wrapped, without a master key", bare, 1, keys.ErrNoMaster},
		{"of another master key", keys.Store{Table: keys.Content, Master: newMaster(t)}, 1, seal.ErrOpen},
		{"of another event", wrapped, 4, seal.ErrOpen},
		{"of another table", keys.Store{Table: keys.Pins, Master: master}, 1, seal.ErrOpen},
		{"none", wrapped, 5, pgx.ErrNoRows},
	} {
		err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			key, err := c.store.Key(t.Context(), tx, c.event)
			if err == nil {
				require.Equal(t, sums[c.event], key.HMAC(nil), c.name)
			}
			return err
		})
		require.ErrorIs(t, err, c.want, c.name)
	}
}

// Where only wrapped keys count and there is no master key, none is made.
func TestNoKeyIsMade(t *testing.T) {
	t.Parallel()
	s := keys.Store{Table: keys.Content, WrappedOnly: true}
	require.ErrorIs(t, s.Makes(), keys.ErrNoMaster)
	key, err := seal.NewKey()
	require.NoError(t, err)
	require.ErrorIs(t, s.Insert(t.Context(), nil, 1, key), keys.ErrNoMaster)
}

// The check of a master key passes over keys that it has not wrapped, and sees another one's.
func TestCheckMaster(t *testing.T) {
	t.Parallel()
	pool, master := pgtest.New(t), newMaster(t)
	wrapped := keys.Store{Table: keys.Content, Master: master}
	other := keys.Store{Table: keys.Content, Master: newMaster(t)}
	require.NoError(t, other.CheckMaster(t.Context(), pool), "there is none yet")
	keep(t, pool, wrapped, 1)
	keep(t, pool, keys.Store{Table: keys.Content}, 2)
	require.NoError(t, wrapped.CheckMaster(t.Context(), pool))
	require.ErrorIs(t, other.CheckMaster(t.Context(), pool), seal.ErrOpen)
}
