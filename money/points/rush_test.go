package points_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// rush is a moneytest.Shop on a pool of sixteen connections whose deadlocks are counted.
func rush(t *testing.T) (*moneytest.Shop, *moneytest.Conflicts) {
	t.Helper()
	b, seen := moneytest.Traced(t, moneytest.Setup(t))
	return &moneytest.Shop{Bundle: b, TB: t}, seen
}

// requireProofs requires that verify's statements hold.
func requireProofs(t *testing.T, s *moneytest.Shop) {
	t.Helper()
	for id, sql := range proofs(t) {
		var differences int
		require.NoError(t,
			s.Pool.QueryRow(t.Context(), `SELECT differences FROM (`+sql+`) proof`, nil).Scan(&differences), id)
		require.Zero(t, differences, id)
	}
}

// runningOut saves lots of m, of which one runs out now, and another each few milliseconds.
func runningOut(s *moneytest.Shop, lots int) {
	s.TB.Helper()
	_, err := s.Pool.Exec(s.TB.Context(), `WITH saved AS (
			INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_at, expiry_date, idempotency_key)
			SELECT 'm', 10, 'S', 'RV', '20260101', now() + n * interval '5 milliseconds', '20260101', 'running out:' || n
			FROM generate_series(0, $1::int - 1) n RETURNING point_member_id, expiry_at)
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, expiry_at, point_status_code)
		SELECT point_member_id, point_member_id, point_member_id, 'm', 10, 10, expiry_at, 'S' FROM saved`, lots)
	require.NoError(s.TB, err)
}

// Sixteen clients use one member's points until there are none, while points are saved and others expire: never more is
// spent than there is, nothing is spent after its instant, and no one waits for another in a circle.
func TestSixteenUseOneMember(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	runningOut(s, 200)
	for range 60 {
		s.Saved(10)
	}
	var spent, expired atomic.Int64
	var g, users errgroup.Group
	for w := range 16 {
		users.Go(func() error {
			for n := 0; ; n++ {
				u := money.Spending{
					Key: fmt.Sprint("use:", w, ":", n), MemberID: "m", Amount: 7, TypeCode: "ORDER",
					Ref: "o",
				}
				_, err := s.Use(t.Context(), moneytest.Soon(), u)
				var r *money.Refusal
				if errors.As(err, &r) && r.Code == money.InsufficientBalance {
					return nil
				}
				if errors.Is(err, money.ErrBusy) { // lots ran out while it waited, again and again: nothing was applied
					continue
				}
				if err != nil {
					return err
				}
				spent.Add(7)
			}
		})
	}
	used := make(chan struct{})
	g.Go(func() error {
		defer close(used)
		return users.Wait()
	})
	g.Go(func() error {
		for n, done := 0, false; !done; n++ {
			select {
			case <-used:
				done = true // after this round
			default:
			}
			if n < 20 {
				if _, err := s.Save(t.Context(), moneytest.Soon(),
					money.Item{
						Key: fmt.Sprint("more:", n), MemberID: "m", Amount: 10, TypeCode: "RV",
						Ref: "r",
					}); err != nil {
					return err
				}
			}
			if _, err := s.ListDue(t.Context()); err != nil {
				return err
			}
			lots, err := s.ExpireDue(t.Context())
			if err != nil {
				return err
			}
			expired.Add(int64(lots.Lots))
		}
		return nil
	})
	require.NoError(t, g.Wait())
	require.Empty(t, seen.Seen(), "deadlocks or serialization failures")
	require.Positive(t, expired.Load(), "nothing expired meanwhile")
	require.Zero(t, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_draw d
		JOIN money.point_lot l ON l.member_id = d.member_id AND l.save_point_member_id = d.save_point_member_id
		WHERE d.point_status_code = 'U' AND d.created_at >= l.expiry_at`), "spent after its instant")
	t.Logf("%d lots expired, %d points were spent", expired.Load(), spent.Load())
	require.Equal(t, spent.Load(),
		moneytest.Scan[int64](t, s.Pool,
			`SELECT -sum(point)::bigint FROM money.point_member WHERE point_status_code = 'U'`))
	requireProofs(t, s)
}

// Uses, use-cancels and save-cancels of the same lots at once, each with a key of its own and some twice.
func TestUseAgainstCancels(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	var lots []string
	for range 10 {
		lots = append(lots, s.Saved(100))
	}
	var g errgroup.Group
	for w := range 12 {
		g.Go(func() error {
			for n := range 8 {
				key := fmt.Sprint(w, ":", n)
				used, err := s.Use(t.Context(), moneytest.Soon(),
					money.Spending{Key: "use:" + key, MemberID: "m", Amount: 5, TypeCode: "ORDER", Ref: "o"})
				if err == nil && w%3 == 0 {
					_, err = s.Cancel(t.Context(), moneytest.Soon(),
						money.Cancel{Key: "back:" + key, MemberID: "m", TxID: used.TxID})
				}
				if err == nil && w%3 == 1 {
					_, err = s.CancelSaves(t.Context(), moneytest.Soon(),
						[]money.Cancel{{
							Key: "claw:" + fmt.Sprint(n), MemberID: "m", TxID: lots[n], Amount: 9,
							OnUsed: money.OweUsed,
						}})
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
	require.Empty(t, seen.Seen(), "deadlocks or serialization failures")
	require.Equal(t, 8, moneytest.Scan[int](t, s.Pool, `SELECT count(*) FROM money.point_cancel`),
		"the same clawback, once each")
	requireProofs(t, s)
}

// Two saves at once that together are over what a policy lets a member hold: one is refused.
func TestCappedSavesAtOnce(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	_, err := s.Pool.Exec(t.Context(),
		`INSERT INTO money.point_master (code, name, max_hold, type_code) VALUES ('capped', 'Capped', 100, 'CAP')`)
	require.NoError(t, err)
	for round := range 10 {
		var granted, refused atomic.Int64
		var g errgroup.Group
		for n := range 4 {
			g.Go(func() error {
				i := money.Item{
					Key: fmt.Sprint(round, ":", n), MemberID: fmt.Sprint("m", round), Amount: 60, Ref: "r",
					Policy: "capped",
				}
				_, err := s.Save(t.Context(), moneytest.Soon(), i)
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
	require.Empty(t, seen.Seen())
}

// Batches of cancels whose members come in any order, some of whom have no account yet, wait for each other in no
// circle.
func TestCancelSavesAtOnce(t *testing.T) {
	t.Parallel()
	s, seen := rush(t)
	granted := moneytest.Ask(t, s.GrantPoints, moneytest.Items(40)...)
	var g errgroup.Group
	for w := range 12 {
		g.Go(func() error {
			var batch []money.Cancel
			for n := range granted {
				a := granted[(n*(2*w+1)+w)%len(granted)]
				batch = append(batch, money.Cancel{
					Key: fmt.Sprint("claw:", w%4, ":", a.Key), MemberID: a.MemberID,
					TxID: a.TxID, Amount: 100,
				})
			}
			for n := range batch[:1+w] {
				if _, err := s.CancelSaves(t.Context(), moneytest.Soon(), batch[n:]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Empty(t, seen.Seen(), "deadlocks or serialization failures")
	requireProofs(t, s)
}
