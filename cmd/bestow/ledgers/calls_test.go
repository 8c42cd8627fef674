package ledgers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bestow/app/grants"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// slow is a ledger that takes its time for each call, and fails one.
type slow struct {
	takes time.Duration
	fails int // this call, counted from 1
	err   error
	calls []int // how many items each had
}

func (s *slow) GrantPoints(ctx context.Context, _ time.Time, items []money.Item) (all []money.Answer, err error) {
	s.calls = append(s.calls, len(items))
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.takes):
	}
	if len(s.calls) == s.fails {
		return nil, s.err
	}
	for _, i := range items {
		all = append(all, money.Answer{Key: i.Key, Outcome: money.Granted, TxID: "tx " + i.Key})
	}
	return all, nil
}

func (s *slow) GrantVouchers(ctx context.Context, d time.Time, items []money.Item) ([]money.Answer, error) {
	return s.GrantPoints(ctx, d, items)
}

func (s *slow) LookupPoints(_ context.Context, keys []string) (all []money.Found, _ error) {
	s.calls = append(s.calls, len(keys))
	for _, k := range keys {
		all = append(all, money.Found{Key: k, Known: true, TxID: "tx " + k})
	}
	return all, nil
}

func (s *slow) LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error) {
	return s.LookupPoints(ctx, keys)
}

// limited is a granter whose ledger l has the limits.
func limited(t *testing.T, l *slow, limits settings.LedgerLimits) Granter {
	t.Helper()
	g := newGranter(t, l)
	g[domain.OurGranter].calls = callsOf(limits)
	return g
}

func membersNamed(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("m", i))
	}
	return all
}

// D11: a batch is asked for in calls of as many items as the ledger takes. A call that fails ends it: what was answered
// before is returned, and its error says what is known of the rest.
func TestABatchInCalls(t *testing.T) {
	t.Parallel()
	lost := errors.New("the connection was cut")
	for name, c := range map[string]struct {
		limits   settings.LedgerLimits
		ledger   slow
		calls    []int
		answered int
		err      error
	}{
		"no limit":               {settings.LedgerLimits{}, slow{}, []int{7}, 7, nil},
		"as many as it takes":    {settings.LedgerLimits{MaxItems: 7}, slow{}, []int{7}, 7, nil},
		"in three calls":         {settings.LedgerLimits{MaxItems: 3}, slow{}, []int{3, 3, 1}, 7, nil},
		"the second is lost":     {settings.LedgerLimits{MaxItems: 3}, slow{fails: 2, err: lost}, []int{3, 3}, 3, lost},
		"the second is too late": {settings.LedgerLimits{MaxItems: 3}, slow{fails: 2, err: money.ErrDeadline}, []int{3, 3}, 3, grants.ErrNotApplied},
		"the first is lost":      {settings.LedgerLimits{MaxItems: 3}, slow{fails: 1, err: lost}, []int{3}, 0, lost},
		"a call has a time-out":  {settings.LedgerLimits{MaxItems: 3, Timeout: 10 * time.Millisecond}, slow{takes: time.Minute}, []int{3}, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := limited(t, &c.ledger, c.limits)
			outcomes, err := g.Grant(t.Context(), eventOf(domain.Points), time.Now().Add(time.Minute), grantsOf(membersNamed(7)...))
			require.ErrorIs(t, err, c.err)
			require.Equal(t, errors.Is(c.err, grants.ErrNotApplied), errors.Is(err, grants.ErrNotApplied))
			require.Equal(t, c.calls, c.ledger.calls)
			require.Len(t, outcomes, c.answered)
			for i, o := range outcomes {
				require.Equal(t, domain.Outcome{Verdict: domain.Granted, TxID: fmt.Sprintf("tx grant:42:m%d", i)}, o)
			}
		})
	}
}

// What there is no time left for is not asked for, and not unknown.
func TestWhatIsNotReachedIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits settings.LedgerLimits
		ledger slow
	}{
		"calls that are slow":   {settings.LedgerLimits{MaxItems: 10}, slow{takes: 700 * time.Millisecond}},
		"calls that are few":    {settings.LedgerLimits{MaxItems: 10, Rate: 2, Timeout: 100 * time.Millisecond}, slow{}},
		"calls of a long while": {settings.LedgerLimits{MaxItems: 10, Timeout: 1900 * time.Millisecond}, slow{takes: 200 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := limited(t, &c.ledger, c.limits)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				outcomes, err := g.Grant(ctx, eventOf(domain.Points), time.Now().Add(time.Minute), grantsOf(membersNamed(200)...))
				require.ErrorIs(t, err, grants.ErrNotReached)
				require.ErrorIs(t, err, grants.ErrNotApplied)
				require.NoError(t, ctx.Err(), "it did not try until the end")
				require.NotEmpty(t, outcomes)
				require.Less(t, len(outcomes), 200)
				require.Len(t, outcomes, 10*len(c.ledger.calls), "each call was answered")
			})
		})
	}
}

// The first call of a batch does not begin without time either: the rate may leave none.
func TestTheFirstCallNeedsTimeToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &slow{takes: 200 * time.Millisecond}
		g := limited(t, l, settings.LedgerLimits{Rate: 1})
		_, err := g.Grant(t.Context(), eventOf(domain.Points), time.Now().Add(time.Minute), grantsOf("m1"))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond) // the rate's turn comes after 800 ms
		defer cancel()
		_, err = g.Grant(ctx, eventOf(domain.Points), time.Now().Add(time.Minute), grantsOf("m1"))
		require.ErrorIs(t, err, grants.ErrNotReached)
		require.Equal(t, []int{1}, l.calls)
	})
}

// A long time-out of a call does not keep calls from beginning: each may take what is left.
func TestALongTimeoutLeavesTimeForManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &slow{takes: 100 * time.Millisecond}
		g := limited(t, l, settings.LedgerLimits{MaxItems: 10, Timeout: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		outcomes, err := g.Grant(ctx, eventOf(domain.Points), time.Now().Add(time.Minute), grantsOf(membersNamed(100)...))
		require.NoError(t, err)
		require.Len(t, outcomes, 100)
	})
}

// A lookup that comes to no end returns what it found.
func TestALookupReturnsWhatItFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &slow{}
		g := limited(t, l, settings.LedgerLimits{MaxItems: 4, Rate: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		found, err := g.Lookup(ctx, eventOf(domain.Points), grantsOf(membersNamed(10)...))
		require.ErrorIs(t, err, grants.ErrNotReached)
		require.Len(t, found, 8)
		require.Equal(t, "tx grant:42:m7", found[7].TxID)
	})
}

// A lookup is asked for in calls too.
func TestALookupInCalls(t *testing.T) {
	t.Parallel()
	l := &slow{}
	g := limited(t, l, settings.LedgerLimits{MaxItems: 4})
	found, err := g.Lookup(t.Context(), eventOf(domain.Points), grantsOf(membersNamed(10)...))
	require.NoError(t, err)
	require.Len(t, found, 10)
	require.Equal(t, []int{4, 4, 2}, l.calls)
}
