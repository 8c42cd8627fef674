package breaker

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

var (
	_ Ledger = (*moneydb.Ledger)(nil)
	_ Ledger = (*moneyclient.Client)(nil)
)

// scripted is a ledger that answers as it is told to.
type scripted struct {
	err    error
	panics int // of its next calls
	calls  int
}

func (s *scripted) GrantPoints(context.Context, time.Time, []money.Item) ([]money.Answer, error) {
	s.calls++
	if s.panics--; s.panics >= 0 {
		panic("in the ledger's client") //nolint:forbidigo // what the test is about
	}
	return []money.Answer{{Outcome: money.Refused}}, s.err
}

func (s *scripted) GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	return s.GrantPoints(ctx, deadline, items)
}

func (s *scripted) LookupPoints(ctx context.Context, _ []string) ([]money.Found, error) {
	_, err := s.GrantPoints(ctx, time.Time{}, nil)
	return nil, err
}

func (s *scripted) LookupVouchers(ctx context.Context, _ []string) ([]money.Found, error) {
	return s.LookupPoints(ctx, nil)
}

// calls are the four calls of a breaker.
func calls(b *Breaker) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"grant points": func(ctx context.Context) error {
			_, err := b.GrantPoints(ctx, time.Now(), nil)
			return err
		},
		"grant vouchers": func(ctx context.Context) error {
			_, err := b.GrantVouchers(ctx, time.Now(), nil)
			return err
		},
		"look up points":  func(ctx context.Context) error { _, err := b.LookupPoints(ctx, nil); return err },
		"look up voucher": func(ctx context.Context) error { _, err := b.LookupVouchers(ctx, nil); return err },
	}
}

func newTestBreaker(tb testing.TB, l Ledger, probe time.Duration) *Breaker {
	tb.Helper()
	b, err := New(Config{Name: "money", Ledger: l, Probe: probe})
	require.NoError(tb, err)
	return b
}

// A refusal, and a wish that the ledger cannot fulfil, are answers: the ledger is there. A call that fails is none;
// after three in a row the ledger is not called.
func TestBreakerKnowsAnAnswer(t *testing.T) {
	t.Parallel()
	for name := range calls(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{}
			b := newTestBreaker(t, s, time.Hour)
			call := calls(b)[name]
			for _, said := range []error{nil, money.ErrDeadline, money.ErrNoMaster, money.ErrTooMany, seal.ErrOpen} {
				s.err = said
				for range AwayAfter {
					require.ErrorIs(t, call(t.Context()), said)
				}
			}
			require.NoError(t, b.Away())
			require.NoError(t, b.Unavailable())
			reset := errors.New("connection reset")
			s.err = reset
			for range AwayAfter {
				require.NoError(t, b.Away())
				require.NotErrorIs(t, call(t.Context()), ErrAway)
			}
			require.ErrorIs(t, b.Away(), reset, "and says why")
			require.ErrorIs(t, b.Unavailable(), reset)
			require.ErrorIs(t, b.Cause(), reset)
			s.err, s.calls = nil, 0
			require.ErrorIs(t, call(t.Context()), ErrAway)
			require.Zero(t, s.calls)
		})
	}
}

// A call that ends in a panic, also the one that looks whether the ledger is back, does not shut the ledger off for
// ever.
func TestBreakerAfterAPanic(t *testing.T) {
	t.Parallel()
	b := newTestBreaker(t, &scripted{panics: AwayAfter + 1}, 20*time.Millisecond)
	call := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = errNoAnswer
			}
		}()
		_, err = b.GrantPoints(t.Context(), time.Now(), nil)
		return err
	}
	for range AwayAfter {
		require.ErrorIs(t, call(), errNoAnswer)
	}
	require.Error(t, b.Away())
	require.Eventually(t, func() bool { return call() == nil }, time.Minute, 10*time.Millisecond)
	require.NoError(t, b.Away())
	require.NoError(t, b.Unavailable())
}
