package money_test

import (
	"sync/atomic"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
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

// Days are those of the ledger's time zone: months of any length, years that leap, and clocks that are set.
func TestPolicyCalendar(t *testing.T) {
	t.Parallel()
	day := func(s string) *time.Time {
		at, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return &at
	}
	month := func(n int) money.PolicyTerms { return money.PolicyTerms{Validity: money.ValidMonthEnd, Months: &n} }
	days := func(n int) money.PolicyTerms { return money.PolicyTerms{Validity: money.ValidDays, Days: &n} }
	until := func(s string) money.PolicyTerms {
		return money.PolicyTerms{Validity: money.ValidUntil, Until: day(s)}
	}
	for _, c := range []struct {
		zone, saved string
		terms       money.PolicyTerms
		expiry      string
	}{
		{"Asia/Seoul", "2030-01-31T23:59:59+09:00", month(1), "2030-03-01T00:00:00+09:00"},
		{"Asia/Seoul", "2028-01-31T12:00:00+09:00", month(1), "2028-03-01T00:00:00+09:00"}, // the last day is 29 February
		{"Asia/Seoul", "2030-01-31T12:00:00+09:00", month(0), "2030-02-01T00:00:00+09:00"},
		{"Asia/Seoul", "2030-01-31T15:00:00Z", month(0), "2030-03-01T00:00:00+09:00"}, // it is February in Seoul
		{"Asia/Seoul", "2030-12-01T00:00:00+09:00", month(13), "2032-02-01T00:00:00+09:00"},
		{"Asia/Seoul", "2030-02-01T00:00:00+09:00", until("2030-02-28"), "2030-03-01T00:00:00+09:00"},
		// An hour is left out on 31 March, and comes twice on 27 October: a day later is the same time of day.
		{"Europe/Berlin", "2030-03-30T12:00:00+01:00", days(1), "2030-03-31T12:00:00+02:00"},
		{"Europe/Berlin", "2030-10-26T12:00:00+02:00", days(1), "2030-10-27T12:00:00+01:00"},
		{"Europe/Berlin", "2030-03-30T02:30:00+01:00", days(1), "2030-03-31T03:30:00+02:00"}, // 02:30 is left out
		{"Europe/Berlin", "2030-03-01T12:00:00+01:00", until("2030-03-31"), "2030-04-01T00:00:00+02:00"},
		{"Europe/Berlin", "2030-10-01T12:00:00+02:00", month(0), "2030-11-01T00:00:00+01:00"},
		// Midnight itself is left out: the day begins at one. Where it comes twice, the day begins at the first.
		{"America/Santiago", "2026-09-01T12:00:00-04:00", until("2026-09-05"), "2026-09-06T01:00:00-03:00"},
		{"America/Santiago", "2027-09-01T12:00:00-04:00", until("2027-09-04"), "2027-09-05T01:00:00-03:00"},
		{"America/Havana", "2027-03-01T12:00:00-05:00", until("2027-03-13"), "2027-03-14T01:00:00-04:00"},
		{"Africa/Cairo", "2026-04-01T12:00:00+02:00", until("2026-04-23"), "2026-04-24T01:00:00+03:00"},
		{"America/Havana", "2026-10-01T12:00:00-04:00", month(0), "2026-11-01T00:00:00-04:00"},
		// The last hour of the day comes twice: the next day begins after the second.
		{"America/Santiago", "2027-04-01T12:00:00-03:00", until("2027-04-03"), "2027-04-04T00:00:00-04:00"},
		{"Asia/Beirut", "2027-10-01T12:00:00+03:00", until("2027-10-30"), "2027-10-31T00:00:00+02:00"},
	} {
		loc, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		saved, err := time.Parse(time.RFC3339, c.saved)
		require.NoError(t, err)
		p := money.Policy{PolicyTerms: c.terms}
		got := money.ExpiryOf(&p, saved, loc)
		require.Equal(t, c.expiry, got.In(loc).Format(time.RFC3339), "%s %s", c.zone, c.saved)
	}
}

// A policy is made once, whoever asks at once, and what was made is a replay also when its last day has passed.
func TestPolicyIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
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
	s.later(48 * time.Hour)
	_, again, err := s.CreatePolicy(t.Context(), "last", terms)
	require.NoError(t, err)
	require.True(t, again)
	_, err = s.under("last", 10, func(i *money.Item) { i.TypeCode = "A" })
	require.Contains(t, refusedAs(t, money.Expired, err).Message, "the last day of the policy has passed")
	p, err := s.EditPolicy(t.Context(), "last", nil, func(t *money.PolicyTerms) error { t.Name = "Past"; return nil })
	require.NoError(t, err, "a day that has passed may stay")
	require.EqualValues(t, 2, p.Revision)
	_, _, err = s.CreatePolicy(t.Context(), "late", terms)
	require.ErrorContains(t, err, "valid_until has passed: today is 2030-01-17")
}

// Of changes that are made of one state at once, one counts.
func TestPolicyChangesAtOnce(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
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
			refusedAs(t, money.PolicyChanged, err)
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, 1, changed.Load())
	require.Equal(t, 2, scan[int](t, s.Pool, `SELECT revision FROM money.point_master WHERE code = 'bounded'`))
}

// A change of a policy counts for later saves: what was saved expires as it did.
func TestPolicyChangeIsOfLaterSaves(t *testing.T) {
	t.Parallel()
	s := policyShop(t)
	before, err := s.under("days", 10)
	require.NoError(t, err)
	_, err = s.EditPolicy(t.Context(), "days", nil, func(t *money.PolicyTerms) error { t.Days = new(60); return nil })
	require.NoError(t, err)
	after, err := s.under("days", 10)
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
	s := newShop(t)
	_, err := s.Pool.Exec(t.Context(), `INSERT INTO money.point_master (code, name, max_hold, type_code) VALUES ('capped', 'Capped', 100, 'CAP')`)
	require.NoError(t, err)
	batch := items(1001)
	batch[500].Policy = "capped"
	_, err = s.GrantPoints(t.Context(), soon(), batch)
	require.ErrorIs(t, err, money.ErrTooMany)
	require.Zero(t, count(t, s.Pool, "money.point_member"))
	batch[500].Amount = 100
	ask(t, s.GrantPoints, batch[1:]...)
}
