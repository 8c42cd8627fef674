package money_test

import (
	"testing"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A campaign of another installation grants under keys that begin with that installation's id, and no shop takes them.
func TestKeysOfAnotherInstallationsCampaign(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		i := item(0)
		i.Key = "11111111-2222-3333-4444-555555555555:" + i.Key
		require.Equal(s.t, money.Granted, ask(s.t, s.grant, i)[0].Outcome)
		_, err := s.Save(s.t.Context(), soon(), money.Item{Key: i.Key + "0", MemberID: "m", Amount: 5, TypeCode: "SHOP", Ref: "1"})
		var r *money.Refusal
		require.ErrorAs(s.t, err, &r)
		require.Equal(s.t, money.BadKey, r.Code)
	})
}
