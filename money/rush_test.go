package money_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// rush is a shop on a pool of sixteen connections whose deadlocks are counted.
func rush(t *testing.T) (*shop, *conflicts) {
	t.Helper()
	b, seen := traced(t, setup(t))
	return &shop{bundle: b, tb: t}, seen
}

// requireProofs requires that verify's statements hold.
func requireProofs(t *testing.T, s *shop) {
	t.Helper()
	for id, sql := range proofs(t) {
		var differences int
		require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT differences FROM (`+sql+`) proof`, nil).Scan(&differences), id)
		require.Zero(t, differences, id)
	}
}

// Sixteen clients use one member's points until there are none, while points are saved and others expire: never more is spent
// than there is, and no one waits for another in a circle.
func TestSixteenUseOneMember(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	for n := range 60 {
		s.save(10, time.Now().Add(time.Duration(n*20)*time.Millisecond+time.Second))
		s.save(10)
	}
	var spent atomic.Int64
	var g errgroup.Group
	for w := range 16 {
		g.Go(func() error {
			for n := 0; ; n++ {
				u := money.Spending{Key: fmt.Sprint("use:", w, ":", n), MemberID: "m", Amount: 7, TypeCode: "ORDER", Ref: "o"}
				_, err := s.Use(t.Context(), soon(), u)
				var r *money.Refusal
				if errors.As(err, &r) && r.Code == money.InsufficientBalance {
					return nil
				}
				if err != nil {
					return err
				}
				spent.Add(7)
			}
		})
	}
	g.Go(func() error {
		for n := range 20 {
			if _, err := s.Save(t.Context(), soon(), money.Item{Key: fmt.Sprint("more:", n), MemberID: "m", Amount: 10, TypeCode: "RV", Ref: "r"}); err != nil {
				return err
			}
			if _, err := s.ListDue(t.Context()); err != nil {
				return err
			}
			if _, err := s.ExpireDue(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, g.Wait())
	require.Empty(t, seen.seen, "deadlocks or serialization failures")
	require.Equal(t, spent.Load(), scan[int64](t, s.Pool, `SELECT -sum(point)::bigint FROM money.point_member WHERE point_status_code = 'U'`))
	requireProofs(t, s)
}

// Uses, use-cancels and save-cancels of the same lots at once, each with a key of its own and some twice.
func TestUseAgainstCancels(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	var lots []string
	for range 10 {
		lots = append(lots, s.save(100))
	}
	var g errgroup.Group
	for w := range 12 {
		g.Go(func() error {
			for n := range 8 {
				key := fmt.Sprint(w, ":", n)
				used, err := s.Use(t.Context(), soon(), money.Spending{Key: "use:" + key, MemberID: "m", Amount: 5, TypeCode: "ORDER", Ref: "o"})
				if err == nil && w%3 == 0 {
					_, err = s.Cancel(t.Context(), soon(), money.Cancel{Key: "back:" + key, MemberID: "m", TxID: used.TxID})
				}
				if err == nil && w%3 == 1 {
					_, err = s.CancelSaves(t.Context(), soon(), []money.Cancel{{Key: "claw:" + fmt.Sprint(n), MemberID: "m", TxID: lots[n], Amount: 9, OnUsed: money.OweUsed}})
				}
				var r *money.Refusal
				if err != nil && !errors.As(err, &r) {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Empty(t, seen.seen, "deadlocks or serialization failures")
	require.Equal(t, 8, scan[int](t, s.Pool, `SELECT count(*) FROM money.point_cancel`), "the same clawback, once each")
	requireProofs(t, s)
}

// Two saves at once that together are over what a policy lets a member hold: one is refused.
func TestCappedSavesAtOnce(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	_, err := s.Pool.Exec(t.Context(), `INSERT INTO money.point_master (code, name, max_hold, type_code) VALUES ('capped', 'Capped', 100, 'CAP')`)
	require.NoError(t, err)
	for round := range 10 {
		var granted, refused atomic.Int64
		var g errgroup.Group
		for n := range 4 {
			g.Go(func() error {
				i := money.Item{Key: fmt.Sprint(round, ":", n), MemberID: fmt.Sprint("m", round), Amount: 60, Ref: "r", Policy: "capped"}
				_, err := s.Save(t.Context(), soon(), i)
				var r *money.Refusal
				if errors.As(err, &r) && r.Code == money.OverHolding {
					refused.Add(1)
					return nil
				}
				granted.Add(1)
				return err
			})
		}
		require.NoError(t, g.Wait())
		require.EqualValues(t, []int64{1, 3}, []int64{granted.Load(), refused.Load()})
	}
	require.Empty(t, seen.seen)
}

// Batches of cancels whose members come in any order, some of whom have no account yet, wait for each other in no circle.
func TestCancelSavesAtOnce(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	granted := ask(t, s.GrantPoints, items(40)...)
	var g errgroup.Group
	for w := range 12 {
		g.Go(func() error {
			var batch []money.Cancel
			for n := range granted {
				a := granted[(n*(2*w+1)+w)%len(granted)]
				batch = append(batch, money.Cancel{Key: fmt.Sprint("claw:", w%4, ":", a.Key), MemberID: a.MemberID, TxID: a.TxID, Amount: 100})
			}
			for n := range batch[:1+w] {
				if _, err := s.CancelSaves(t.Context(), soon(), batch[n:]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Empty(t, seen.seen, "deadlocks or serialization failures")
	requireProofs(t, s)
}
