package policies_test

import (
	"sync/atomic"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// under is a save by a policy.
func under(s *moneytest.Shop, policy string, amount int64, change ...func(*money.Item)) (money.Moved, error) {
	i := money.Item{Key: s.Key(), MemberID: "m", Amount: amount, Ref: "review 1", Policy: policy}
	for _, f := range change {
		f(&i)
	}
	return s.Save(s.TB.Context(), moneytest.Soon(), i)
}

// A policy bounds each save, and a retired one allows none. What was refused may be asked again under its key.
func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	for _, refused := range []struct {
		policy string
		amount int64
		code   string
	}{
		{"bounded", 9, money.UnderMinimum},
		{"bounded", 21, money.OverMaximum},
		{"retired", 10, money.PolicyInactive},
		{"none", 10, money.UnknownPolicy},
		{"untyped", 10, money.BadTypeCode},
		{"over", 10, money.Expired},
	} {
		_, err := under(s, refused.policy, refused.amount)
		moneytest.RefusedAs(t, refused.code, err)
	}
	require.Zero(t, s.Balance())
	for _, amount := range []int64{10, 20} {
		_, err := under(s, "bounded", amount)
		require.NoError(t, err)
	}
	sameKey := func(i *money.Item) { i.Key = "the key" }
	_, err := under(s, "bounded", 9, sameKey)
	moneytest.RefusedAs(t, money.UnderMinimum, err)
	saved, err := under(s, "bounded", 11, sameKey)
	require.NoError(t, err)
	require.False(t, saved.Replayed)
	require.EqualValues(t, 41, s.Balance())

	_, err = s.Pool.Exec(t.Context(), `UPDATE money.point_master SET status = 'INACTIVE' WHERE code = 'bounded'`)
	require.NoError(t, err)
	again, err := under(s, "bounded", 11, sameKey)
	require.NoError(t, err, "what was saved is replayed, whatever has become of the policy")
	require.True(t, again.Replayed)
	require.Equal(t, saved.TxID, again.TxID)
}

// In a batch each item has its own answer, and none keeps another from being granted.
func TestPolicyInBatch(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	batch := moneytest.Items(4)
	batch[1].Policy, batch[1].Amount = "bounded", 21
	batch[2].Policy = "retired"
	batch[3].Policy, batch[3].Amount = "bounded", 20
	answers := moneytest.Ask(t, s.GrantPoints, batch...)
	require.Equal(t, []money.Outcome{money.Granted, money.Refused, money.Refused, money.Granted},
		moneytest.Outcomes(answers))
	require.Equal(t, []string{money.OverMaximum, money.PolicyInactive}, []string{answers[1].Code, answers[2].Code})
	require.False(t, answers[1].Retryable)
}

// A policy says how long points are valid and what their type is, where the save does not.
func TestPolicyResolves(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	own := time.Date(2031, time.March, 1, 0, 0, 0, 0, time.UTC)
	for _, resolved := range []struct {
		policy, typeCode, expiry, lastDay string
		change                            []func(*money.Item)
	}{
		{policy: "bounded", typeCode: "B", lastDay: "99991231"},
		{policy: "days", typeCode: "D", expiry: "2030-02-14T12:00:00+09:00", lastDay: "20300214"},
		{policy: "until", typeCode: "U", expiry: "2030-03-01T00:00:00+09:00", lastDay: "20300228"},
		{policy: "month", typeCode: "M", expiry: "2030-03-01T00:00:00+09:00", lastDay: "20300228"},
		{
			policy: "days", typeCode: "X", expiry: "2031-03-01T09:00:00+09:00",
			lastDay: "20310301", change: []func(*money.Item){
				func(i *money.Item) { i.TypeCode, i.ExpiryAt = "X", &own },
			},
		},
	} {
		saved, err := under(s, resolved.policy, 10, resolved.change...)
		require.NoError(t, err)
		m, err := s.Movement(t.Context(), "m", saved.TxID)
		require.NoError(t, err)
		require.Equal(t, []string{resolved.typeCode, resolved.lastDay}, []string{m.TypeCode, m.ExpiryDate},
			resolved.policy)
		if resolved.expiry == "" {
			require.Nil(t, m.ExpiryAt)
			continue
		}
		want, err := time.Parse(time.RFC3339, resolved.expiry)
		require.NoError(t, err)
		require.True(t, want.Equal(*m.ExpiryAt), "%s: %s", resolved.policy, m.ExpiryAt)
	}
}

// A policy is made once, whoever asks at once, and what was made is a replay also when its last day has passed.
func TestPolicyIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	last := time.Date(2030, time.January, 16, 0, 0, 0, 0, time.UTC)
	terms := money.PolicyTerms{Name: "Last", Validity: money.ValidUntil, Until: &last}
	var made, replayed atomic.Int32
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			_, again, err := s.CreatePolicy(t.Context(), "last", terms)
			if again {
				replayed.Add(1)
			} else {
				made.Add(1)
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.Equal(t, []int32{1, 7}, []int32{made.Load(), replayed.Load()})
	s.Later(48 * time.Hour)
	_, again, err := s.CreatePolicy(t.Context(), "last", terms)
	require.NoError(t, err)
	require.True(t, again)
	_, err = under(s, "last", 10, func(i *money.Item) { i.TypeCode = "A" })
	require.Contains(t, moneytest.RefusedAs(t, money.Expired, err).Message, "the last day of the policy has passed")
	p, err := s.EditPolicy(t.Context(), "last", nil, func(t *money.PolicyTerms) error { t.Name = "Past"; return nil })
	require.NoError(t, err, "a day that has passed may stay")
	require.EqualValues(t, 2, p.Revision)
	_, _, err = s.CreatePolicy(t.Context(), "late", terms)
	require.ErrorContains(t, err, "valid_until has passed: today is 2030-01-17")
}

// Of changes that are made of one state at once, one counts.
func TestPolicyChangesAtOnce(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	p, err := s.Policy(t.Context(), "bounded")
	require.NoError(t, err)
	var changed atomic.Int32
	var g errgroup.Group
	for n := range 8 {
		g.Go(func() error {
			_, err := s.EditPolicy(t.Context(), "bounded", []int64{p.Revision}, func(t *money.PolicyTerms) error {
				t.Max = new(int64(100 + n))
				return nil
			})
			if err == nil {
				changed.Add(1)
				return nil
			}
			moneytest.RefusedAs(t, money.PolicyChanged, err)
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, 1, changed.Load())
	require.Equal(t, 2, moneytest.Scan[int](t, s.Pool,
		`SELECT revision FROM money.point_master WHERE code = 'bounded'`))
}

// A change of a policy counts for later saves: what was saved expires as it did.
func TestPolicyChangeIsOfLaterSaves(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	before, err := under(s, "days", 10)
	require.NoError(t, err)
	_, err = s.EditPolicy(t.Context(), "days", nil, func(t *money.PolicyTerms) error { t.Days = new(60); return nil })
	require.NoError(t, err)
	after, err := under(s, "days", 10)
	require.NoError(t, err)
	for tx, last := range map[string]string{before.TxID: "20300214", after.TxID: "20300316"} {
		m, err := s.Movement(t.Context(), "m", tx)
		require.NoError(t, err)
		require.Equal(t, last, m.ExpiryDate)
	}
}

// A batch in which a policy limits what members may hold is bounded: each of them is locked.
func TestCappedBatchIsBounded(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	_, err := s.Pool.Exec(t.Context(),
		`INSERT INTO money.point_master (code, name, max_hold, type_code) VALUES ('capped', 'Capped', 100, 'CAP')`)
	require.NoError(t, err)
	batch := moneytest.Items(1001)
	batch[500].Policy = "capped"
	_, err = s.GrantPoints(t.Context(), moneytest.Soon(), batch)
	require.ErrorIs(t, err, money.ErrTooMany)
	require.Zero(t, moneytest.Count(t, s.Pool, "money.point_member"))
	batch[500].Amount = 100
	moneytest.Ask(t, s.GrantPoints, batch[1:]...)
}
