package ledgers

import (
	"testing"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// The console knows the grants of campaigns by the type that the ledger gives them.
func TestCampaignCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, money.CampaignCode, ledger.CampaignCode)
}

// Both ways to the ledger say the same of lots.
func TestBookLots(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, s *moneytest.Shop, b ledger.Book) {
		t.Helper()
		at := time.Date(2030, time.January, 16, 0, 0, 0, 0, time.UTC)
		first, second := s.Saved(100, at), s.Saved(20)
		used := s.Used(30)
		lot, err := b.Lot(t.Context(), "m", first)
		require.NoError(t, err)
		require.True(t, at.Equal(*lot.ExpiryAt))
		require.Equal(t, []int64{100, 70, 30, 0, 0}, []int64{lot.Amount, lot.Left, lot.Used, lot.Cancelled, lot.Expired})
		require.Len(t, lot.Draws, 1)
		require.Equal(t, []any{used.TxID, "use", int64(-30)}, []any{lot.Draws[0].MoneyTxID, lot.Draws[0].Kind, lot.Draws[0].Amount})

		page, err := b.Lots(t.Context(), "m", "", 1)
		require.NoError(t, err)
		require.Len(t, page, 1)
		require.Equal(t, second, page[0].MoneyTxID)
		page, err = b.Lots(t.Context(), "m", second, 5)
		require.NoError(t, err)
		require.Len(t, page, 1)
		require.Equal(t, first, page[0].MoneyTxID)

		for _, id := range []string{"P999", "V1", "x/../y", ".."} {
			_, err = b.Lot(t.Context(), "m", id)
			require.True(t, domain.IsCode(err, domain.NotFound), "%s: %v", id, err)
		}
		_, err = b.Lots(t.Context(), "a\nb", "", 5)
		require.True(t, domain.IsCode(err, domain.NotFound), "%v", err)
		_, err = b.Lots(t.Context(), "m", "V1", 5)
		require.True(t, domain.IsCode(err, domain.Invalid), "%v", err)
	})
}
