package ledgers

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/app/grants"
	"bestow/domain"
	"bestow/internal/pgtest"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

// scripted is a ledger that says what it is told to.
type scripted struct {
	answers []money.Answer
	found   []money.Found
	err     error
	asked   []money.Item
	kind    money.Kind
}

func (s *scripted) GrantPoints(_ context.Context, _ time.Time, items []money.Item) ([]money.Answer, error) {
	s.asked, s.kind = items, money.Points
	return s.answers, s.err
}

func (s *scripted) GrantVouchers(_ context.Context, _ time.Time, items []money.Item) ([]money.Answer, error) {
	s.asked, s.kind = items, money.Vouchers
	return s.answers, s.err
}

func (s *scripted) LookupPoints(context.Context, []string) ([]money.Found, error) {
	return s.found, s.err
}

func (s *scripted) LookupVouchers(context.Context, []string) ([]money.Found, error) {
	return s.found, s.err
}

// newGranter is a granter that asks l.
func newGranter(tb testing.TB, l breaker.Ledger) Granter {
	tb.Helper()
	gate, err := breaker.New(breaker.Config{Name: domain.OurGranter, Ledger: l})
	require.NoError(tb, err)
	return Granter{domain.OurGranter: {name: domain.OurGranter, gate: gate}}
}

func eventOf(op domain.Operation) domain.Event {
	at := time.Now().Add(time.Hour)
	return domain.Event{ID: 42, ExpiryAt: &at, Type: domain.EventType{Code: "X", Granter: "money", Operation: op}}
}

func grantsOf(members ...string) []domain.Grant {
	batch := make([]domain.Grant, len(members))
	for n, m := range members {
		batch[n] = domain.Grant{TargetID: int64(n + 1), MemberID: m, Amount: 100, Reason: "spring"}
	}
	return batch
}

func TestGranterAsks(t *testing.T) {
	t.Parallel()
	for op, kind := range map[domain.Operation]money.Kind{
		domain.Points:   money.Points,
		domain.Vouchers: money.Vouchers,
	} {
		s := &scripted{answers: make([]money.Answer, 1)}
		e := eventOf(op)
		_, err := newGranter(t, s).Grant(t.Context(), e, time.Now(), grantsOf("a"))
		require.NoError(t, err)
		require.Equal(t, kind, s.kind)
		require.Equal(t, []money.Item{{
			Key: "grant:42:a", MemberID: "a", Amount: 100, Reason: "spring",
			ExpiryAt: e.ExpiryAt,
			TypeCode: "CM", Ref: "42",
		}}, s.asked)
	}
}

// Each answer is worth what it proves, and no more.
func TestGranterAnswers(t *testing.T) {
	t.Parallel()
	at := time.Now()
	voucher := &money.Voucher{Code: "CODE", PIN: "00000001", ExpiryAt: &at}
	mismatch := func(message string) domain.Outcome {
		return domain.Outcome{Verdict: domain.Contradicted, Code: domain.Mismatch, Message: message}
	}
	vague := func(message string) domain.Outcome {
		return domain.Outcome{Verdict: domain.Unknown, Code: "bad_reply", Message: message}
	}
	whole := money.Answer{Key: "grant:42:a", Outcome: money.Granted, TxID: "P1", MemberID: "a", Amount: 100}
	with := func(change func(*money.Answer)) money.Answer {
		a := whole
		change(&a)
		return a
	}
	granted := domain.Outcome{Verdict: domain.Granted, TxID: "P1"}
	for name, c := range map[string]struct {
		op     domain.Operation
		answer money.Answer
		want   domain.Outcome
	}{
		"granted":  {domain.Points, whole, granted},
		"replayed": {domain.Points, with(func(a *money.Answer) { a.Outcome = money.Replayed }), granted},
		"terse":    {domain.Points, money.Answer{Outcome: money.Granted, TxID: "P1"}, granted},
		"refused for now": {
			domain.Points,
			money.Answer{Outcome: money.Refused, Retryable: true, Code: "busy", Message: "later"},
			domain.Outcome{Verdict: domain.RefusedForNow, Code: "busy", Message: "later"},
		},
		"refused for good": {
			domain.Points,
			money.Answer{Outcome: money.Refused, Code: "withdrawn", Message: "left us"},
			domain.Outcome{Verdict: domain.RefusedForGood, Code: "withdrawn", Message: "left us"},
		},
		"conflict": {
			domain.Points, with(func(a *money.Answer) { a.Outcome = money.Conflict }),
			mismatch("the ledger knows the key for another grant"),
		},
		"another key": {
			domain.Points, with(func(a *money.Answer) { a.Key = "grant:42:b" }),
			mismatch("the ledger answered with another key"),
		},
		"another member": {
			domain.Points, with(func(a *money.Answer) { a.MemberID = "b" }),
			mismatch("the ledger answered with another member"),
		},
		"another amount": {
			domain.Points, with(func(a *money.Answer) { a.Amount = 99 }),
			mismatch("the ledger answered with the amount 99 instead of 100"),
		},
		"refusal of another member": {
			domain.Points, with(func(a *money.Answer) {
				a.Outcome, a.MemberID = money.Refused,
					"b"
			}),
			mismatch("the ledger answered with another member"),
		},
		"no transaction id": {
			domain.Points, with(func(a *money.Answer) { a.TxID = "" }),
			vague("the ledger's answer has no transaction id"),
		},
		"no outcome": {
			domain.Points, with(func(a *money.Answer) { a.Outcome = "" }),
			vague(`the ledger's answer has outcome ""`),
		},
		"new outcome": {
			domain.Points, with(func(a *money.Answer) { a.Outcome = "perhaps" }),
			vague(`the ledger's answer has outcome "perhaps"`),
		},
		"voucher": {
			domain.Vouchers, with(func(a *money.Answer) { a.Voucher = voucher }),
			domain.Outcome{Verdict: domain.Granted, TxID: "P1", Voucher: &domain.Voucher{Code: "CODE", PIN: "00000001", ExpiryAt: &at}},
		},
		"no voucher": {domain.Vouchers, whole, vague("the ledger's answer has no voucher")},
		"no PIN": {
			domain.Vouchers, with(func(a *money.Answer) { a.Voucher = &money.Voucher{Code: "CODE"} }),
			vague("the ledger's answer has no voucher"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newGranter(t, &scripted{answers: []money.Answer{c.answer}}).Grant(t.Context(), eventOf(c.op),
				time.Now(), grantsOf("a"))
			require.NoError(t, err)
			require.Equal(t, []domain.Outcome{c.want}, got)
		})
	}
}

// One transaction id for two members: neither of them is believed, the others are.
func TestGranterOneIDForTwo(t *testing.T) {
	t.Parallel()
	var answers []money.Answer
	for _, id := range []string{"P1", "P2", "P1", "P3", "P1"} {
		answers = append(answers, money.Answer{Outcome: money.Granted, TxID: id})
	}
	got, err := newGranter(t, &scripted{answers: answers}).Grant(t.Context(), eventOf(domain.Points), time.Now(),
		grantsOf("a", "b", "c", "d", "e"))
	require.NoError(t, err)
	for n, want := range []domain.Verdict{
		domain.Contradicted, domain.Granted, domain.Contradicted, domain.Granted,
		domain.Contradicted,
	} {
		require.Equal(t, want, got[n].Verdict, n)
		require.Equal(t, want == domain.Contradicted, got[n].TxID == "")
	}
}

// An error says whether something may have been applied.
func TestGranterErrors(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset")
	for _, c := range []struct {
		err     error
		nothing bool
	}{
		{money.ErrDeadline, true},
		{money.ErrNoMaster, true},
		{money.ErrTooMany, true},
		{reset, false},
		{context.DeadlineExceeded, false},
	} {
		_, err := newGranter(t, &scripted{err: c.err}).Grant(t.Context(), eventOf(domain.Points), time.Now(),
			grantsOf("a"))
		require.ErrorIs(t, err, c.err)
		require.Equal(t, c.nothing, errors.Is(err, grants.ErrNotApplied))
	}
	_, err := newGranter(t, &scripted{answers: make([]money.Answer, 1)}).Grant(t.Context(), eventOf(domain.Points),
		time.Now(), grantsOf("a", "b"))
	require.ErrorContains(t, err, "1 answers")
	require.NotErrorIs(t, err, grants.ErrNotApplied, "a truncated reply says nothing")

	foreign := eventOf(domain.Points)
	foreign.Type.Granter = "partner"
	s := &scripted{}
	_, err = newGranter(t, s).Grant(t.Context(), foreign, time.Now(), grantsOf("a"))
	require.ErrorIs(t, err, grants.ErrNotApplied)
	_, err = newGranter(t, s).Grant(t.Context(), eventOf("coins"), time.Now(), grantsOf("a"))
	require.ErrorIs(t, err, grants.ErrNotApplied)
	require.Nil(t, s.asked)
}

// With the real ledger: granted, and granted once.
func TestGranterOnLedger(t *testing.T) {
	t.Parallel()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	l, err := moneydb.New(moneydb.Config{Pool: pgtest.New(t), Master: master})
	require.NoError(t, err)
	for _, op := range []domain.Operation{domain.Points, domain.Vouchers} {
		g, e := newGranter(t, l), eventOf(op)
		first, err := g.Grant(t.Context(), e, time.Now().Add(time.Minute), grantsOf("a", "b"))
		require.NoError(t, err)
		again, err := g.Grant(t.Context(), e, time.Now().Add(time.Minute), grantsOf("b", "a", "c"))
		require.NoError(t, err)
		require.Equal(t, []domain.Outcome{first[1], first[0]}, again[:2])
		require.Equal(t, domain.Granted, again[2].Verdict)
		other := grantsOf("a")
		other[0].Amount++
		got, err := g.Grant(t.Context(), e, time.Now().Add(time.Minute), other)
		require.NoError(t, err)
		require.Equal(t, domain.Contradicted, got[0].Verdict)
		_, err = g.Grant(t.Context(), e, time.Now(), grantsOf("d"))
		require.ErrorIs(t, err, grants.ErrNotApplied)
	}
}

// What the ledger has under a key is a success, what it does not know is nothing, and what belongs to another is none.
func TestGranterLooksUp(t *testing.T) {
	t.Parallel()
	s := &scripted{found: []money.Found{
		{Key: "grant:42:a", Known: true, TxID: "P1", MemberID: "a", Amount: 100},
		{Key: "grant:42:b"},
		{Key: "grant:42:c", Known: true, TxID: "P3", MemberID: "stranger", Amount: 100},
	}}
	outcomes, err := newGranter(t, s).Lookup(t.Context(), eventOf(domain.Points), grantsOf("a", "b", "c"))
	require.NoError(t, err)
	require.Equal(t, &domain.Outcome{Verdict: domain.Granted, TxID: "P1"}, outcomes[0])
	require.Nil(t, outcomes[1])
	require.Equal(t, domain.Contradicted, outcomes[2].Verdict)
	s.found = s.found[:1]
	_, err = newGranter(t, s).Lookup(t.Context(), eventOf(domain.Points), grantsOf("a", "b", "c"))
	require.Error(t, err, "an answer that leaves somebody out is none")
}
