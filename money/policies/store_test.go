package policies_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A code stands for one policy: with other terms it is refused, and the policy stays as it is.
func TestPolicyWithOtherTerms(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	was, err := s.Policy(t.Context(), "bounded")
	require.NoError(t, err)
	_, _, err = s.CreatePolicy(t.Context(), "bounded", money.PolicyTerms{Name: "Bounded, but else"})
	moneytest.RefusedAs(t, money.PolicyExists, err)
	is, err := s.Policy(t.Context(), "bounded")
	require.NoError(t, err)
	require.Equal(t, was, is)
}

// awaited waits until what is done waits for another transaction, or is over.
func awaited(t *testing.T, s *moneytest.Shop, done chan error) {
	t.Helper()
	const waits = `SELECT count(*) FROM pg_locks WHERE NOT granted
		AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`
	require.Eventually(t, func() bool { return len(done) > 0 || moneytest.Scan[int](t, s.Pool, waits) > 0 }, time.Minute,
		5*time.Millisecond)
	require.Empty(t, done, "it waits for the other one")
}

// Of two who make one policy at once, the slower gets what the quicker made.
func TestPolicyIsMadeByTheQuicker(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	other, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = other.Exec(t.Context(), `INSERT INTO money.point_master (code, name) VALUES ('new', 'New')`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, replayed, err := s.CreatePolicy(t.Context(), "new", money.PolicyTerms{Name: "New"})
		if err == nil && !replayed {
			err = errors.New("it was made twice")
		}
		done <- err
	}()
	awaited(t, s, done)
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, <-done)
}

// A change waits for one that is under way, and sees the state that it leaves.
func TestPolicyChangeWaitsForAnother(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	other, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = other.Exec(t.Context(), `UPDATE money.point_master SET revision = 2, max_point = 99 WHERE code = 'bounded'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := s.EditPolicy(t.Context(), "bounded", []int64{1}, func(t *money.PolicyTerms) error { t.Name = "x"; return nil })
		done <- err
	}()
	awaited(t, s, done)
	require.NoError(t, other.Commit(t.Context()))
	moneytest.RefusedAs(t, money.PolicyChanged, <-done)
}

// A change that was applied before is no conflict, whatever state it names; one that no policy may have is refused.
func TestPolicyChangeIsChecked(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	p, err := s.EditPolicy(t.Context(), "bounded", []int64{99}, func(*money.PolicyTerms) error { return nil })
	require.NoError(t, err)
	require.EqualValues(t, 1, p.Revision, "nothing has changed")
	_, err = s.EditPolicy(t.Context(), "bounded", nil, func(t *money.PolicyTerms) error { t.Min = new(int64(21)); return nil })
	var wrong *money.PolicyError
	require.ErrorAs(t, err, &wrong)
	_, err = s.EditPolicy(t.Context(), "none", nil, func(*money.PolicyTerms) error { return nil })
	moneytest.RefusedAs(t, money.UnknownPolicy, err)
}

// A list goes by code, page by page, and has the policies of one status where that is asked for.
func TestPolicyList(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	codes := func(q money.PolicyQuery) (codes []string) {
		list, err := s.Policies(t.Context(), q)
		require.NoError(t, err)
		for _, p := range list {
			codes = append(codes, p.Code)
		}
		return codes
	}
	all := []string{"bounded", "capped", "days", "month", "over", "retired", "until", "untyped"}
	require.Equal(t, all, codes(money.PolicyQuery{}))
	require.Equal(t, all[:3], codes(money.PolicyQuery{Limit: 3}))
	require.Equal(t, all[3:], codes(money.PolicyQuery{After: all[2]}))
	require.Equal(t, []string{"retired"}, codes(money.PolicyQuery{Status: money.PolicyRetired}))
	for code, q := range map[string]money.PolicyQuery{
		money.BadLimit: {Limit: money.MaxPage + 1}, money.BadChoice: {Status: "GONE"}, money.BadCursor: {After: "\x00"},
	} {
		_, err := s.Policies(t.Context(), q)
		moneytest.RefusedAs(t, code, err)
	}
}

// What a member may hold by a policy counts all of the member's points that can be spent, and no more than those.
func TestPolicyLimitsWhatIsHeld(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	_, err := under(s, "capped", 100)
	require.NoError(t, err)
	_, err = under(s, "capped", 51)
	moneytest.RefusedAs(t, money.OverHolding, err)
	_, err = under(s, "capped", 50)
	require.NoError(t, err, "150 is what the policy lets a member hold")
	_, err = under(s, "bounded", 10)
	require.NoError(t, err, "another policy has no such limit")
	s.Later(72 * time.Hour)
	_, err = under(s, "capped", 100)
	require.NoError(t, err, "what has run out is not held, swept or not")
}

// In a batch, what was saved before counts as held.
func TestPolicyCountsItsBatch(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	batch := moneytest.Items(3)
	for n := range batch {
		batch[n].MemberID, batch[n].Policy, batch[n].Amount = "m", "capped", 75
	}
	require.Equal(t, []money.Outcome{money.Granted, money.Granted, money.Refused},
		moneytest.Outcomes(moneytest.Ask(t, s.GrantPoints, batch...)))
}

// What a member owes takes no room: it is paid from the save at once.
func TestPolicyLeavesRoomForADebt(t *testing.T) {
	t.Parallel()
	s := moneytest.PolicyShop(t)
	_, err := s.Pool.Exec(t.Context(),
		`INSERT INTO money.point_master (code, name, max_hold, type_code) VALUES ('small', 'Small', 50, 'S')`)
	require.NoError(t, err)
	saved := s.Saved(100)
	s.Used(100)
	s.Cancelled(saved, 0, func(c *money.Cancel) { c.OnUsed = money.OweUsed })
	_, err = under(s, "small", 151)
	moneytest.RefusedAs(t, money.OverHolding, err)
	_, err = under(s, "small", 150)
	require.NoError(t, err)
	require.EqualValues(t, 50, s.Balance())
}
