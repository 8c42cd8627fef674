package money_test

import (
	"testing"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// The type code CM is that of a campaign's grants: `bestow verify` takes what has it for one. No shop gives it.
func TestTypeCodeOfCampaignsIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused := func(err error) {
		t.Helper()
		var r *money.Refusal
		require.ErrorAs(t, err, &r)
		require.Equal(t, money.BadTypeCode, r.Code)
		require.Contains(t, r.Message, "CM")
	}
	_, err := b.Save(t.Context(), soon(), money.Item{Key: "s", MemberID: "m", Amount: 5, TypeCode: "CM", Ref: "1"})
	refused(err)
	_, err = b.Save(t.Context(), soon(), money.Item{Key: "s", MemberID: "m", Amount: 5, TypeCode: "SHOP", Ref: "1"})
	require.NoError(t, err)
	_, err = b.Use(t.Context(), soon(), money.Spending{Key: "u", MemberID: "m", Amount: 1, TypeCode: "CM", Ref: "1"})
	refused(err)
	_, _, err = b.CreatePolicy(t.Context(), "p", money.PolicyTerms{Name: "P", TypeCode: "CM"})
	var wrong *money.PolicyError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "type_code", wrong.Fields[0].Name)
	require.Equal(t, 1, count(t, b.Pool, "money.point_member"))
}

// A ledger that took CM from a shop before repeats what it did, and lets a policy that has it be retired.
func TestTypeCodeOfCampaignsThatStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	save := money.Item{Key: "s", MemberID: "m", Amount: 5, TypeCode: "SHOP", Ref: "1"}
	saved, err := b.Save(t.Context(), soon(), save)
	require.NoError(t, err)
	use := money.Spending{Key: "u", MemberID: "m", Amount: 1, TypeCode: "SHOP", Ref: "1"}
	used, err := b.Use(t.Context(), soon(), use)
	require.NoError(t, err)
	terms := money.PolicyTerms{Name: "P", TypeCode: "XX"}
	_, _, err = b.CreatePolicy(t.Context(), "p", terms)
	require.NoError(t, err)
	_, err = b.Pool.Exec(t.Context(), `UPDATE money.point_master SET type_code = 'CM'`) // as it was made before
	require.NoError(t, err)

	save.TypeCode, use.TypeCode, terms.TypeCode = "CM", "CM", "CM"
	again, err := b.Save(t.Context(), soon(), save)
	require.NoError(t, err)
	require.True(t, again.Replayed)
	require.Equal(t, saved.TxID, again.TxID)
	again, err = b.Use(t.Context(), soon(), use)
	require.NoError(t, err)
	require.True(t, again.Replayed)
	require.Equal(t, used.TxID, again.TxID)
	_, replayed, err := b.CreatePolicy(t.Context(), "p", terms)
	require.NoError(t, err)
	require.True(t, replayed)
	_, err = b.EditPolicy(t.Context(), "p", nil, func(t *money.PolicyTerms) error {
		t.Status = money.PolicyRetired
		return nil
	})
	require.NoError(t, err)
}

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
