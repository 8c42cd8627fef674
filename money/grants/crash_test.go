//go:build failpoint

package grants_test

import (
	"errors"
	"testing"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// Who dies before the commit leaves nothing behind; who asks again is granted, once.
func TestDieBeforeCommit(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		died := errors.New("died")
		hits := 0
		dying := failpoint.With(t.Context(), func(point string) error {
			if point != failpoint.MoneyBeforeCommit {
				return nil
			}
			hits++
			return died
		})
		_, err := grant(dying, moneytest.Soon(), moneytest.Items(5)) // the fast way
		require.ErrorIs(t, err, died)
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
		moneytest.Ask(t, grant, moneytest.Item(3))
		_, err = grant(dying, moneytest.Soon(), moneytest.Items(5)) // the slow way
		require.ErrorIs(t, err, died)
		require.Equal(t, 1, moneytest.Count(t, s.Pool, s.Table))
		require.Equal(t, 2, hits)

		answers := moneytest.Ask(t, grant, moneytest.Items(5)...)
		require.Equal(t, []money.Outcome{money.Granted, money.Granted, money.Granted, money.Replayed, money.Granted},
			moneytest.Outcomes(answers))
		require.Equal(t, 5, moneytest.Count(t, s.Pool, s.Table))
		if s.Table == "money.point_member" {
			require.Equal(t, 5, moneytest.Count(t, s.Pool, "money.point_member_detail"))
		}
	})
}

// A process that is held up after its last look at the clock does not commit when it comes to: PostgreSQL has ended the
// session by then.
func TestHeldUpBeforeCommit(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		deadline := time.Now().Add(2 * time.Second)
		held := failpoint.With(t.Context(), func(point string) error {
			for point == failpoint.MoneyBeforeCommit &&
				!moneytest.Scan[bool](t, s.Pool, `SELECT clock_timestamp() >= $1`, deadline) {
				<-time.After(10 * time.Millisecond)
			}
			return nil
		})
		_, err := grant(held, deadline, moneytest.Items(3))
		require.ErrorIs(t, err, money.ErrDeadline)
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
		require.Equal(t, money.Granted, moneytest.Ask(t, grant, moneytest.Item(1))[0].Outcome)
	})
}
