package pins

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"

	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// TESTMAIN
func newTestSealer(t *testing.T) Sealer {
	t.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	return NewSealer(master)
}

// voucherEvents makes n events and returns their ids.
func voucherEvents(t *testing.T, pool *pgxpool.Pool, n int) []int64 {
	t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		const insert = `INSERT INTO campaign_events (campaign_id, event_type, created_by) VALUES ($1, 'VOUCHER', 'test') RETURNING id`
		require.NoError(t, pool.QueryRow(t.Context(), insert, fmt.Sprint("c", i)).Scan(&ids[i]))
	}
	return ids
}

func sealOne(ctx context.Context, s Sealer, pool *pgxpool.Pool, event int64, member, pin string) (string, error) {
	sealed, err := pg.Value(ctx, pool, func(tx pgx.Tx) ([]string, error) {
		return s.Seal(ctx, tx, event, []string{member}, []string{pin})
	})
	if err != nil {
		return "", err
	}
	return sealed[0], nil
}

// openOne returns the PIN that Seal was given for the same event and member.
func openOne(ctx context.Context, s Sealer, pool *pgxpool.Pool, event int64, member, sealed string) (string, error) {
	return pg.Value(ctx, pool, func(tx pgx.Tx) (string, error) {
		key, err := s.keys.Key(ctx, tx, event)
		if err != nil {
			return "", err
		}
		raw, err := base64.StdEncoding.DecodeString(sealed)
		if err != nil {
			return "", fmt.Errorf("it is not base64: %w", seal.ErrOpen)
		}
		pin, err := key.Open(raw, pinAAD(event, member))
		return string(pin), err
	})
}

// S8: a PIN opens for its event and member only.
func TestSealerBinds(t *testing.T) {
	t.Parallel()
	pool, s := pgtest.New(t), newTestSealer(t)
	events := voucherEvents(t, pool, 3)
	sealed, err := pg.Value(t.Context(), pool, func(tx pgx.Tx) ([]string, error) {
		return s.Seal(t.Context(), tx, events[0], []string{"a", "b"}, []string{"11111111", "22222222"})
	})
	require.NoError(t, err)
	require.Len(t, sealed, 2)
	_, err = sealOne(t.Context(), s, pool, events[1], "a", "33333333")
	require.NoError(t, err)

	for n, want := range []string{"11111111", "22222222"} {
		pin, err := openOne(t.Context(), s, pool, events[0], []string{"a", "b"}[n], sealed[n])
		require.NoError(t, err)
		require.Equal(t, want, pin)
	}
	raw, err := base64.StdEncoding.DecodeString(sealed[0])
	require.NoError(t, err)
	require.NotContains(t, string(raw), "11111111")

	_, err = openOne(t.Context(), s, pool, events[0], "a", sealed[1])
	require.ErrorIs(t, err, seal.ErrOpen, "two members' PINs were swapped")
	_, err = openOne(t.Context(), s, pool, events[1], "a", sealed[0])
	require.ErrorIs(t, err, seal.ErrOpen, "two events' PINs were swapped")
	_, err = openOne(t.Context(), s, pool, events[0], "a", "no base64!")
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = openOne(t.Context(), s, pool, events[2], "a", sealed[0])
	require.ErrorIs(t, err, pgx.ErrNoRows)
	_, err = openOne(t.Context(), newTestSealer(t), pool, events[0], "a", sealed[0])
	require.ErrorContains(t, err, "another master key")

	err = pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := s.Seal(t.Context(), tx, events[0], []string{"a"}, nil)
		return err
	})
	require.Error(t, err)
}

// A key that was made in a transaction that is rolled back is gone with it, and nothing was sealed by it.
func TestSealerRolledBack(t *testing.T) {
	t.Parallel()
	pool, s := pgtest.New(t), newTestSealer(t)
	event := voucherEvents(t, pool, 1)[0]
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = s.Seal(t.Context(), tx, event, []string{"a"}, []string{"11111111"})
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(t.Context()))

	sealed, err := sealOne(t.Context(), s, pool, event, "a", "22222222")
	require.NoError(t, err)
	pin, err := openOne(t.Context(), NewSealer(s.keys.Master), pool, event, "a", sealed)
	require.NoError(t, err)
	require.Equal(t, "22222222", pin)
}

// Many that seal for one event for the first time make one key, and what each has sealed opens.
func TestSealerRace(t *testing.T) {
	t.Parallel()
	pool, s := pgtest.New(t), newTestSealer(t)
	event := voucherEvents(t, pool, 1)[0]
	sealed := make([]string, 16)
	var g errgroup.Group
	for n := range sealed {
		g.Go(func() (err error) {
			sealed[n], err = sealOne(t.Context(), s, pool, event, fmt.Sprint(n), fmt.Sprintf("%08d", n))
			return err
		})
	}
	require.NoError(t, g.Wait())
	for n := range sealed {
		pin, err := openOne(t.Context(), s, pool, event, fmt.Sprint(n), sealed[n])
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%08d", n), pin)
	}
}

// Nobody waits for the key of another event that is just being made.
func TestSealerWaitsForNoOtherEvent(t *testing.T) {
	t.Parallel()
	pool, s := pgtest.New(t), newTestSealer(t)
	events := voucherEvents(t, pool, 2)
	open, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = s.Seal(t.Context(), open, events[0], []string{"a"}, []string{"11111111"})
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SET LOCAL lock_timeout = '1ms'`)
	require.NoError(t, err)
	_, err = s.Seal(t.Context(), tx, events[1], []string{"a"}, []string{"11111111"})
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, open.Commit(t.Context()))
}
