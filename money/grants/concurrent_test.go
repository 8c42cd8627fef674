package grants_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// F26, F36: whoever grants the same keys, in whatever order and however batched, each is granted once, everybody gets
// the same transaction id and the same voucher, and nobody waits for another in a circle.
func TestGrantConcurrently(t *testing.T) {
	t.Parallel()
	const workers, keys = 32, 120
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t := s.T
		b, seen := moneytest.Traced(t, s.Bundle)
		grant := b.GrantPoints
		if s.Table == "money.vouchers" {
			grant = b.GrantVouchers
		}
		answers := make([][]money.Answer, workers)
		var g errgroup.Group
		for w := range workers {
			g.Go(func() error {
				asked := moneytest.Items(keys)
				rand.Shuffle(keys, func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
				for batch := range slices.Chunk(asked, 5+w) {
					got, err := grant(t.Context(), moneytest.Soon(), batch)
					if err != nil {
						return err
					}
					answers[w] = append(answers[w], got...)
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
		require.Empty(t, seen.Seen(), "deadlocks or serialization failures")

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
		require.Equal(t, keys, moneytest.Count(t, s.Pool, s.Table))
	})
}

// A batch that finds keys taken by one that is still at work waits for it, and grants the rest.
func TestGrantBesideOpenBatch(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		for _, commit := range []bool{true, false} {
			clear := func() {
				moneytest.Forge(t, s.Pool, `TRUNCATE money.point_member, money.point_member_detail, money.vouchers`)
			}
			clear()
			first := moneytest.Ask(t, grant, moneytest.Item(1))[0]

			// The row of item 1 as another transaction writes it: not there yet, and its key taken.
			other, err := s.Pool.Begin(t.Context())
			require.NoError(t, err)
			_, err = other.Exec(t.Context(), `CREATE TEMP TABLE row ON COMMIT DROP AS SELECT * FROM `+s.Table)
			require.NoError(t, err)
			moneytest.Forge(t, s.Pool, `DELETE FROM `+s.Table)
			_, err = other.Exec(t.Context(), `INSERT INTO `+s.Table+` SELECT * FROM row`)
			require.NoError(t, err)

			var answers []money.Answer
			var g errgroup.Group
			g.Go(func() (err error) {
				answers, err = grant(t.Context(), moneytest.Soon(), moneytest.Items(3))
				return err
			})
			moneytest.WaitForLock(t, s.Pool)
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
			require.Equal(t, want, moneytest.Outcomes(answers))
			require.Equal(t, 3, moneytest.Count(t, s.Pool, s.Table))
		}
	})
}

// Sixteen ledgers that see a ref for the first time make one key for it, and every voucher can be opened.
func TestSealKeyRace(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	answers := make([][]money.Answer, 16)
	var g errgroup.Group
	for w := range answers {
		l := moneytest.NewLedger(t, b.Config) // with nothing cached
		g.Go(func() (err error) {
			answers[w], err = l.GrantVouchers(t.Context(), moneytest.Soon(), moneytest.Items(200)[w*10:(w+1)*10])
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.Equal(t, 2, moneytest.Count(t, b.Pool, "money.seal_keys"), "the ref's key and the ledger's own")
	fresh := moneytest.NewLedger(t, b.Config)
	for _, a := range slices.Concat(answers...) {
		found, err := fresh.LookupVouchers(t.Context(), []string{a.Key})
		require.NoError(t, err)
		require.Equal(t, *a.Voucher, *found[0].Voucher)
	}
}
