//go:build failpoint

package vouchers_test

import (
	"errors"
	"testing"

	"bestow/internal/failpoint"
	"bestow/internal/moneytest"

	"github.com/stretchr/testify/require"
)

// A cancel of vouchers that dies before its commit has cancelled nothing, and the same keys are asked again.
func TestDieWhileVouchersAreCancelled(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Items(3)...))
	for _, at := range []string{failpoint.MoneyCancelWritten, failpoint.MoneyBeforeCommit} {
		died := errors.New("died")
		dying := failpoint.With(t.Context(), func(point string) error {
			if point == at {
				return died
			}
			return nil
		})
		_, err := b.CancelVouchers(dying, moneytest.Soon(), all)
		require.ErrorIs(t, err, died)
		require.Zero(t, moneytest.Count(t, b.Pool, "money.voucher_events"))
	}
	require.Equal(t, []string{"cancelled", "cancelled", "cancelled"}, cancelVouchers(t, b, all...))
}
