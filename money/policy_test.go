package money_test

import (
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// policyShop is a clocked shop with policies of each kind. Its clock stands at noon in Seoul, on 15 January 2030.
func policyShop(t *testing.T) *shop {
	t.Helper()
	s := clockedShop(t)
	_, err := s.Pool.Exec(t.Context(), `UPDATE testclock.hand SET at = '2030-01-15 12:00+09';
		INSERT INTO money.point_master (code, name, status, validity_kind, validity_days, valid_until, valid_months, min_point, max_point, type_code) VALUES
			('bounded', 'Bounded', 'ACTIVE', 'none', NULL, NULL, NULL, 10, 20, 'B'), ('retired', 'Retired', 'INACTIVE', 'none', NULL, NULL, NULL, NULL, NULL, 'R'),
			('days', 'Days', 'ACTIVE', 'days', 30, NULL, NULL, NULL, NULL, 'D'), ('until', 'Until', 'ACTIVE', 'until', NULL, '2030-02-28', NULL, NULL, NULL, 'U'),
			('month', 'Month', 'ACTIVE', 'month_end', NULL, NULL, 1, NULL, NULL, 'M'), ('over', 'Over', 'ACTIVE', 'until', NULL, '2030-01-14', NULL, NULL, NULL, 'O'),
			('untyped', 'Untyped', 'ACTIVE', 'none', NULL, NULL, NULL, NULL, NULL, NULL)`)
	require.NoError(t, err)
	return s
}

// under is a save by a policy.
func (s *shop) under(policy string, amount int64, change ...func(*money.Item)) (money.Moved, error) {
	i := money.Item{Key: s.key(), MemberID: "m", Amount: amount, Ref: "review 1", Policy: policy}
	for _, f := range change {
		f(&i)
	}
	return s.Save(s.tb.Context(), soon(), i)
}

// A policy bounds each save, and a retired one allows none. What was refused may be asked again under its key.
func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
	for _, refused := range []struct {
		policy string
		amount int64
		code   string
	}{
		{"bounded", 9, money.UnderMinimum}, {"bounded", 21, money.OverMaximum}, {"retired", 10, money.PolicyInactive},
		{"none", 10, money.UnknownPolicy}, {"untyped", 10, money.BadTypeCode}, {"over", 10, money.Expired},
	} {
		_, err := s.under(refused.policy, refused.amount)
		refusedAs(t, refused.code, err)
	}
	require.Zero(t, s.balance())
	for _, amount := range []int64{10, 20} {
		_, err := s.under("bounded", amount)
		require.NoError(t, err)
	}
	sameKey := func(i *money.Item) { i.Key = "the key" }
	_, err := s.under("bounded", 9, sameKey)
	refusedAs(t, money.UnderMinimum, err)
	saved, err := s.under("bounded", 11, sameKey)
	require.NoError(t, err)
	require.False(t, saved.Replayed)
	require.EqualValues(t, 41, s.balance())

	_, err = s.Pool.Exec(t.Context(), `UPDATE money.point_master SET status = 'INACTIVE' WHERE code = 'bounded'`)
	require.NoError(t, err)
	again, err := s.under("bounded", 11, sameKey)
	require.NoError(t, err, "what was saved is replayed, whatever has become of the policy")
	require.True(t, again.Replayed)
	require.Equal(t, saved.TxID, again.TxID)
}

// In a batch each item has its own answer, and none keeps another from being granted.
func TestPolicyInBatch(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
	batch := items(4)
	batch[1].Policy, batch[1].Amount = "bounded", 21
	batch[2].Policy = "retired"
	batch[3].Policy, batch[3].Amount = "bounded", 20
	answers := ask(t, s.GrantPoints, batch...)
	require.Equal(t, []money.Outcome{money.Granted, money.Refused, money.Refused, money.Granted}, outcomes(answers))
	require.Equal(t, []string{money.OverMaximum, money.PolicyInactive}, []string{answers[1].Code, answers[2].Code})
	require.False(t, answers[1].Retryable)
}

// A policy says how long points are valid and what their type is, where the save does not.
func TestPolicyResolves(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
	own := time.Date(2031, time.March, 1, 0, 0, 0, 0, time.UTC)
	for _, resolved := range []struct {
		policy, typeCode, expiry, lastDay string
		change                            []func(*money.Item)
	}{
		{policy: "bounded", typeCode: "B", lastDay: "99991231"},
		{policy: "days", typeCode: "D", expiry: "2030-02-14T12:00:00+09:00", lastDay: "20300214"},
		{policy: "until", typeCode: "U", expiry: "2030-03-01T00:00:00+09:00", lastDay: "20300228"},
		{policy: "month", typeCode: "M", expiry: "2030-03-01T00:00:00+09:00", lastDay: "20300228"},
		{policy: "days", typeCode: "X", expiry: "2031-03-01T09:00:00+09:00", lastDay: "20310301", change: []func(*money.Item){
			func(i *money.Item) { i.TypeCode, i.ExpiryAt = "X", &own },
		}},
	} {
		saved, err := s.under(resolved.policy, 10, resolved.change...)
		require.NoError(t, err)
		m, err := s.Movement(t.Context(), "m", saved.TxID)
		require.NoError(t, err)
		require.Equal(t, []string{resolved.typeCode, resolved.lastDay}, []string{m.TypeCode, m.ExpiryDate}, resolved.policy)
		if resolved.expiry == "" {
			require.Nil(t, m.ExpiryAt)
			continue
		}
		want, err := time.Parse(time.RFC3339, resolved.expiry)
		require.NoError(t, err)
		require.True(t, want.Equal(*m.ExpiryAt), "%s: %s", resolved.policy, m.ExpiryAt)
	}
}
