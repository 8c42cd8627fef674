package moneytest

import (
	"fmt"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// Shop is a Bundle with short words for the movements of one member.
type Shop struct {
	Bundle
	TB   testing.TB
	keys int
}

// NewShop returns a shop with a database of its own.
func NewShop(tb testing.TB) *Shop {
	tb.Helper()
	return &Shop{Bundle: Setup(tb), TB: tb}
}

// Key returns a key that was not used yet.
func (s *Shop) Key() string {
	s.keys++
	return fmt.Sprint("k", s.keys)
}

// Saved saves points, and returns the transaction id.
func (s *Shop) Saved(amount int64, expiry ...time.Time) string {
	s.TB.Helper()
	i := money.Item{Key: s.Key(), MemberID: "m", Amount: amount, TypeCode: "RV", Ref: "review 1"}
	if len(expiry) > 0 {
		i.ExpiryAt = &expiry[0]
	}
	moved, err := s.Save(s.TB.Context(), Soon(), i)
	require.NoError(s.TB, err)
	return moved.TxID
}

// Used uses points.
func (s *Shop) Used(amount int64) money.Moved {
	s.TB.Helper()
	moved, err := s.Use(s.TB.Context(), Soon(),
		money.Spending{Key: s.Key(), MemberID: "m", Amount: amount, TypeCode: "ORDER", Ref: "order 1"})
	require.NoError(s.TB, err)
	return moved
}

// Cancelled undoes a use or a save; 0 is all of it.
func (s *Shop) Cancelled(txID string, amount int64, change ...func(*money.Cancel)) money.Cancelled {
	s.TB.Helper()
	done, err := s.TryCancel(txID, amount, change...)
	require.NoError(s.TB, err)
	return done
}

// TryCancel is Cancelled where it may be refused.
func (s *Shop) TryCancel(txID string, amount int64, change ...func(*money.Cancel)) (money.Cancelled, error) {
	c := money.Cancel{Key: s.Key(), MemberID: "m", TxID: txID, Amount: amount}
	for _, f := range change {
		f(&c)
	}
	return s.Cancel(s.TB.Context(), Soon(), c)
}

// Balance returns what the member can spend.
func (s *Shop) Balance() int64 {
	s.TB.Helper()
	m, err := s.Member(s.TB.Context(), "m")
	require.NoError(s.TB, err)
	return m.Balance
}

// ClockedShop is a Shop whose clock the test sets.
func ClockedShop(t *testing.T) *Shop {
	t.Helper()
	return &Shop{Bundle: Clocked(t, money.SpendSaved), TB: t}
}

// Later moves the clock on.
func (s *Shop) Later(d time.Duration) time.Time {
	s.TB.Helper()
	return Scan[time.Time](s.TB, s.Pool, `UPDATE testclock.hand SET at = at + $1 RETURNING at`, d)
}

// Sweep expires what has run out.
func (s *Shop) Sweep() (points int64) {
	s.TB.Helper()
	for {
		listed, err := s.ListDue(s.TB.Context())
		require.NoError(s.TB, err)
		if !listed.More {
			break
		}
	}
	for {
		done, err := s.ExpireDue(s.TB.Context())
		require.NoError(s.TB, err)
		if points += done.Points; done.Due == 0 {
			return points
		}
	}
}

// History is the kinds and amounts of the member's movements, newest first.
func (s *Shop) History() (list []string) {
	s.TB.Helper()
	page, err := s.Movements(s.TB.Context(), money.HistoryQuery{MemberID: "m"})
	require.NoError(s.TB, err)
	for _, m := range page {
		list = append(list, fmt.Sprint(m.Kind, " ", m.Amount))
	}
	return list
}

// ClockAt sets the ledger's clock.
func (s *Shop) ClockAt(at time.Time) {
	s.TB.Helper()
	_, err := s.Pool.Exec(s.TB.Context(), `UPDATE testclock.hand SET at = $1`, at)
	require.NoError(s.TB, err)
}

// PolicyShop is a Clocked Shop with policies of each kind. Its clock stands at noon in Seoul, on 15 January 2030.
func PolicyShop(t *testing.T) *Shop {
	t.Helper()
	s := ClockedShop(t)
	_, err := s.Pool.Exec(t.Context(), `UPDATE testclock.hand SET at = '2030-01-15 12:00+09';
		INSERT INTO money.point_master (code, name, status, validity_kind, validity_days, valid_until, valid_months, min_point, max_point, type_code) VALUES
			('bounded', 'Bounded', 'ACTIVE', 'none', NULL, NULL, NULL, 10, 20, 'B'), ('retired', 'Retired', 'INACTIVE', 'none', NULL, NULL, NULL, NULL, NULL, 'R'),
			('days', 'Days', 'ACTIVE', 'days', 30, NULL, NULL, NULL, NULL, 'D'), ('until', 'Until', 'ACTIVE', 'until', NULL, '2030-02-28', NULL, NULL, NULL, 'U'),
			('month', 'Month', 'ACTIVE', 'month_end', NULL, NULL, 1, NULL, NULL, 'M'), ('over', 'Over', 'ACTIVE', 'until', NULL, '2030-01-14', NULL, NULL, NULL, 'O'),
			('untyped', 'Untyped', 'ACTIVE', 'none', NULL, NULL, NULL, NULL, NULL, NULL)`)
	require.NoError(t, err)
	return s
}
