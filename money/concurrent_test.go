package money_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// conflicts counts deadlocks and serialization failures, which pg.InTx would hide from a test.
type conflicts struct {
	mu   sync.Mutex
	seen []error
}

func (*conflicts) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (c *conflicts) TraceQueryEnd(_ context.Context, _ *pgx.Conn, end pgx.TraceQueryEndData) {
	if pg.Retryable(end.Err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen = append(c.seen, end.Err)
	}
}

// traced is a bundle on a pool whose conflicts are counted.
func traced(t *testing.T, b bundle) (bundle, *conflicts) {
	t.Helper()
	c := &conflicts{}
	config := b.Pool.Config()
	config.ConnConfig.Tracer = c
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.config.Pool = pool
	b.Ledger = newLedger(t, b.config)
	return b, c
}

// F26, F36: whoever grants the same keys, in whatever order and however batched, each is granted once, everybody gets
// the same transaction id and the same voucher, and nobody waits for another in a circle.
func TestGrantConcurrently(t *testing.T) {
	t.Parallel()
	const workers, keys = 32, 120
	eachKind(t, func(s subject) {
		t := s.t
		b, seen := traced(t, s.bundle)
		grant := b.GrantPoints
		if s.table == "money.vouchers" {
			grant = b.GrantVouchers
		}
		answers := make([][]money.Answer, workers)
		var g errgroup.Group
		for w := range workers {
			g.Go(func() error {
				asked := items(keys)
				rand.Shuffle(keys, func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
				for batch := range slices.Chunk(asked, 5+w) {
					got, err := grant(t.Context(), soon(), batch)
					if err != nil {
						return err
					}
					answers[w] = append(answers[w], got...)
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
		require.Empty(t, seen.seen, "deadlocks or serialization failures")

		granted, first := 0, map[string]money.Answer{}
		for _, a := range slices.Concat(answers...) {
			if a.Outcome == money.Granted {
				granted++
			} else {
				require.Equal(t, money.Replayed, a.Outcome)
			}
			a.Outcome = ""
			if one, ok := first[a.Key]; ok {
				require.Equal(t, one, a)
			}
			first[a.Key] = a
		}
		require.Equal(t, keys, granted)
		require.Len(t, first, keys)
		require.Equal(t, keys, count(t, s.Pool, s.table))
	})
}

// A batch that finds keys taken by one that is still at work waits for it, and grants the rest.
func TestGrantBesideOpenBatch(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		for _, commit := range []bool{true, false} {
			clear := func() { forge(t, s.Pool, `TRUNCATE money.point_member, money.point_member_detail, money.vouchers`) }
			clear()
			first := ask(t, grant, item(1))[0]

			// The row of item 1 as another transaction writes it: not there yet, and its key taken.
			other, err := s.Pool.Begin(t.Context())
			require.NoError(t, err)
			_, err = other.Exec(t.Context(), `CREATE TEMP TABLE row ON COMMIT DROP AS SELECT * FROM `+s.table)
			require.NoError(t, err)
			forge(t, s.Pool, `DELETE FROM `+s.table)
			_, err = other.Exec(t.Context(), `INSERT INTO `+s.table+` SELECT * FROM row`)
			require.NoError(t, err)

			var answers []money.Answer
			var g errgroup.Group
			g.Go(func() (err error) {
				answers, err = grant(t.Context(), soon(), items(3))
				return err
			})
			waitForLock(t, s.Pool)
			if commit {
				require.NoError(t, other.Commit(t.Context()))
			} else {
				require.NoError(t, other.Rollback(t.Context()))
			}
			require.NoError(t, g.Wait())
			want := []money.Outcome{money.Granted, money.Granted, money.Granted}
			if commit {
				want[1] = money.Replayed
				require.Equal(t, first.TxID, answers[1].TxID)
				require.Equal(t, first.Voucher, answers[1].Voucher)
			}
			require.Equal(t, want, outcomes(answers))
			require.Equal(t, 3, count(t, s.Pool, s.table))
		}
	})
}

// waitForLock returns when a session waits for another one's transaction.
func waitForLock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	require.Eventually(t, func() bool {
		return scan[int](t, pool, `SELECT count(*) FROM pg_locks WHERE NOT granted
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`) > 0
	}, 20*time.Second, 5*time.Millisecond)
}

// Sixteen ledgers that see a ref for the first time make one key for it, and every voucher can be opened.
func TestSealKeyRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answers := make([][]money.Answer, 16)
	var g errgroup.Group
	for w := range answers {
		l := newLedger(t, b.config) // with nothing cached
		g.Go(func() (err error) {
			answers[w], err = l.GrantVouchers(t.Context(), soon(), items(200)[w*10:(w+1)*10])
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.Equal(t, 2, count(t, b.Pool, "money.seal_keys"), "the ref's key and the ledger's own")
	fresh := newLedger(t, b.config)
	for _, a := range slices.Concat(answers...) {
		found, err := fresh.LookupVouchers(t.Context(), []string{a.Key})
		require.NoError(t, err)
		require.Equal(t, *a.Voucher, *found[0].Voucher)
	}
}
