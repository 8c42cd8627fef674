//go:build failpoint

package money_test

import (
	"errors"
	"testing"
	"time"

	"bestow/internal/failpoint"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// Who dies before the commit leaves nothing behind; who asks again is granted, once.
func TestDieBeforeCommit(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		died := errors.New("died")
		hits := 0
		dying := failpoint.With(t.Context(), func(point string) error {
			if point != failpoint.MoneyBeforeCommit {
				return nil
			}
			hits++
			return died
		})
		_, err := grant(dying, soon(), items(5)) // the fast way
		require.ErrorIs(t, err, died)
		require.Zero(t, count(t, s.Pool, s.table))
		ask(t, grant, item(3))
		_, err = grant(dying, soon(), items(5)) // the slow way
		require.ErrorIs(t, err, died)
		require.Equal(t, 1, count(t, s.Pool, s.table))
		require.Equal(t, 2, hits)

		answers := ask(t, grant, items(5)...)
		require.Equal(t, []money.Outcome{money.Granted, money.Granted, money.Granted, money.Replayed, money.Granted}, outcomes(answers))
		require.Equal(t, 5, count(t, s.Pool, s.table))
		if s.table == "money.point_member" {
			require.Equal(t, 5, count(t, s.Pool, "money.point_member_detail"))
		}
	})
}

// A process that is held up after its last look at the clock does not commit when it comes to: PostgreSQL has ended the
// session by then.
func TestHeldUpBeforeCommit(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		deadline := time.Now().Add(2 * time.Second)
		held := failpoint.With(t.Context(), func(point string) error {
			for point == failpoint.MoneyBeforeCommit && !scan[bool](t, s.Pool, `SELECT clock_timestamp() >= $1`, deadline) {
				<-time.After(10 * time.Millisecond)
			}
			return nil
		})
		_, err := grant(held, deadline, items(3))
		require.ErrorIs(t, err, money.ErrDeadline)
		require.Zero(t, count(t, s.Pool, s.table))
		require.Equal(t, money.Granted, ask(t, grant, item(1))[0].Outcome)
	})
}

// A cancel of vouchers that dies before its commit has cancelled nothing, and the same keys are asked again.
func TestDieWhileVouchersAreCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := voucherCancels("claw", ask(t, b.GrantVouchers, items(3)...))
	for _, at := range []string{failpoint.MoneyCancelWritten, failpoint.MoneyBeforeCommit} {
		died := errors.New("died")
		dying := failpoint.With(t.Context(), func(point string) error {
			if point == at {
				return died
			}
			return nil
		})
		_, err := b.CancelVouchers(dying, soon(), all)
		require.ErrorIs(t, err, died)
		require.Zero(t, count(t, b.Pool, "money.voucher_events"))
	}
	require.Equal(t, []string{"cancelled", "cancelled", "cancelled"}, cancelVouchers(t, b, all...))
}
