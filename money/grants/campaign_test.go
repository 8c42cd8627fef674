package grants_test

import (
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A campaign of another installation grants under keys that begin with that installation's id, and no moneytest.Shop
// takes them.
func TestKeysOfAnotherInstallationsCampaign(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		i := moneytest.Item(0)
		i.Key = "11111111-2222-3333-4444-555555555555:" + i.Key
		require.Equal(s.T, money.Granted, moneytest.Ask(s.T, s.Grant, i)[0].Outcome)
		_, err := s.Save(s.T.Context(), moneytest.Soon(),
			money.Item{Key: i.Key + "0", MemberID: "m", Amount: 5, TypeCode: "SHOP", Ref: "1"})
		var r *money.Refusal
		require.ErrorAs(s.T, err, &r)
		require.Equal(s.T, money.BadKey, r.Code)
	})
}
