package grants_test

import (
	"errors"
	"testing"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/grants"
	"bestow/domain"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// What a settling makes of each answer (T6), on one page: of a member whose row stood so, asked for at a try, the
// ledger says this; then the row is that, the counters are these, the claim and what asks again stand so, and the event
// too.
func TestWhatASettlingWrites(t *testing.T) {
	t.Parallel()
	granted := domain.Outcome{Verdict: domain.Granted, TxID: "tx-1"}
	now := domain.Outcome{Verdict: domain.RefusedForNow, Code: "busy"}
	never := domain.Outcome{Verdict: domain.RefusedForGood, Code: "closed"}
	unknown := domain.Outcome{Verdict: domain.Unknown, Code: "timeout"}
	odd := domain.Outcome{Verdict: domain.Contradicted, Code: "mismatch"}
	type end struct{ row, counted, claim, asks, event string }
	const none, one, given = "success 0 fail 0 retried 0 settled 0", "success 1 fail 0 retried 0 settled 1", "success 0 fail 1 retried 0 settled 1"
	for name, tt := range map[string]struct {
		row          string // SQL; "" for none
		try, redrive int
		answer       domain.Outcome
		takenOver    bool // another handler took the claim while the ledger was asked
		want         end
	}{
		"granted":                 {"", 0, 0, granted, false, end{"SUCCESS tx-1", one, "closed", "", "COMPLETED"}},
		"refused for now":         {"", 0, 0, now, false, end{"FAILED busy retries 1", none, "closed", "retry 1", "RUNNING"}},
		"refused for good":        {"", 0, 0, never, false, end{"PERMANENTLY_FAILED closed retries 1", given, "closed", "", "COMPLETED"}},
		"unknown":                 {"", 0, 0, unknown, false, end{"PENDING timeout", none, "open", "again", "RUNNING"}},
		"contradicted":            {"", 0, 0, odd, false, end{"FAILED mismatch", none, "closed", "", "FAILED mismatch"}},
		"granted at a retry":      {"status = 'FAILED', retry_count = 2", 2, 0, granted, false, end{"SUCCESS tx-1 retries 2", "success 1 fail 0 retried 1 settled 1", "closed", "", "COMPLETED"}},
		"refused again":           {"status = 'FAILED', retry_count = 2", 2, 0, now, false, end{"FAILED busy retries 3", none, "closed", "retry 3", "RUNNING"}},
		"refused for the last":    {"status = 'FAILED', retry_count = 5", 5, 0, now, false, end{"PERMANENTLY_FAILED busy retries 6", given, "closed", "", "COMPLETED"}},
		"unknown, then granted":   {"status = 'PENDING', error_code = 'timeout'", 0, 0, granted, false, end{"SUCCESS tx-1", one, "closed", "", "COMPLETED"}},
		"unknown of a retry":      {"status = 'FAILED', retry_count = 1", 1, 0, unknown, false, end{"PENDING timeout retries 1", none, "open", "again", "RUNNING"}},
		"contradicted again":      {"status = 'FAILED', error_code = 'mismatch'", 0, 0, odd, false, end{"PERMANENTLY_FAILED mismatch", given, "closed", "", "COMPLETED"}},
		"taken over, granted":     {"", 0, 0, granted, true, end{"SUCCESS tx-1", one, "open", "", "COMPLETED"}},
		"taken over, refused":     {"", 0, 0, now, true, end{"none", none, "open 2", "", "RUNNING"}},
		"taken over, never":       {"", 0, 0, never, true, end{"none", none, "open 2", "", "RUNNING"}},
		"taken over, unknown":     {"", 0, 0, unknown, true, end{"none", none, "open 2", "", "RUNNING"}},
		"taken over, odd":         {"", 0, 0, odd, true, end{"none", none, "open 2", "", "RUNNING"}},
		"an old try":              {"status = 'FAILED', retry_count = 2", 1, 0, granted, false, end{"FAILED retries 2", none, "closed", "", "RUNNING"}},
		"a try that is to come":   {"status = 'FAILED', retry_count = 2", 3, 0, granted, false, end{"FAILED retries 2", none, "closed", "", "RUNNING"}},
		"granted before":          {"status = 'SUCCESS', money_tx_id = 'tx-0'", 0, 0, never, false, end{"SUCCESS tx-0", none, "closed", "", "RUNNING"}},
		"a redrive, granted":      {"status = 'PERMANENTLY_FAILED', retry_count = 1, redrive = 1", 1, 1, granted, false, end{"SUCCESS tx-1 retries 1 redrive 1/1", "success 1 fail -1 retried 1 settled 0", "closed", "", "RUNNING"}},
		"a redrive, refused":      {"status = 'PERMANENTLY_FAILED', retry_count = 1, redrive = 1", 1, 1, now, false, end{"PERMANENTLY_FAILED busy retries 1 redrive 1/1", none, "closed", "", "RUNNING"}},
		"a redrive, unknown":      {"status = 'PERMANENTLY_FAILED', retry_count = 1, redrive = 1", 1, 1, unknown, false, end{"PERMANENTLY_FAILED timeout retries 1 redrive 1/0", none, "open", "redrive", "RUNNING"}},
		"a redrive that was told": {"status = 'PERMANENTLY_FAILED', retry_count = 1, redrive = 1, redrive_done = 1", 1, 1, granted, false, end{"PERMANENTLY_FAILED retries 1 redrive 1/1", none, "closed", "", "RUNNING"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupGrants(t, 1)
			if tt.row != "" {
				s.result("m1", tt.row)
			}
			s.ledger.answers["m1"] = tt.answer
			if tt.takenOver {
				s.ledger.while = s.takeOver
			}
			require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(tt.try, tt.redrive)))
			require.Equal(t, tt.want, end{s.row("m1"), s.counted(), s.claimed(), s.asks(), s.status()})
		})
	}
}

// A message that was settled admits no member, however often it comes: the ledger is asked once.
func TestAMessageThatComesAgain(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 3)
	s.ledger.while = func() { require.Equal(t, "open 1", s.claimed(), "an attempt, until it comes back") }
	for range 3 {
		require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	}
	require.Equal(t, []string{"m1", "m2", "m3"}, s.ledger.asked)
	require.Equal(t, "success 3 fail 0 retried 0 settled 3", s.counted())
}

// Counters grow by what each settling makes final: a part of a chunk that comes later adds to what came before.
func TestAMessageInTwoParts(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 4)
	never := domain.Outcome{Verdict: domain.RefusedForGood, Code: "closed"}
	s.ledger.answers["m2"], s.ledger.answers["m4"] = never, never
	first, second := s.message(0, 0), s.message(0, 0)
	first.Grants, second.Grants = first.Grants[:2], second.Grants[2:]
	require.NoError(t, s.app.Grants.Handle(t.Context(), first))
	require.Equal(t, "success 1 fail 1 retried 0 settled 2", s.counted())
	require.NoError(t, s.app.Grants.Handle(t.Context(), second))
	require.Equal(t, "success 2 fail 2 retried 0 settled 4", s.counted())
}

// While a claim is open its message waits, and one that ran out is asked for again by the next handler.
func TestAClaimThatIsOpen(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 1)
	s.takeOver()
	require.ErrorIs(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)), outbox.ErrBusy)
	require.Empty(t, s.ledger.asked)
	s.Exec(`UPDATE grant_chunks SET open_until = now() - interval '1 second', claimed_at = now()`)
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.Equal(t, "SUCCESS tx-m1", s.row("m1"))
}

// What the rows do not know is not asked for, and parks the message; what they know is granted all the same.
func TestAMessageThatTheRowsDoNotKnow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*outbox.Message){
		"another amount": func(m *outbox.Message) { m.Grants[0].Amount++ },
		"another member": func(m *outbox.Message) { m.Grants[0].MemberID = "m9" },
		"another target": func(m *outbox.Message) { m.Grants[0].TargetID += 100 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupGrants(t, 2)
			m := s.message(0, 0)
			change(&m)
			_, foreign := errors.AsType[*outbox.ForeignError](s.app.Grants.Handle(t.Context(), m))
			require.True(t, foreign)
			require.Equal(t, []string{"m2"}, s.ledger.asked)
			require.Equal(t, []string{"none", "SUCCESS tx-m2"}, []string{s.row("m1"), s.row("m2")})
		})
	}
	for name, change := range map[string]func(*outbox.Message){
		"another type":  func(m *outbox.Message) { m.EventType = "VOUCHER" },
		"another chunk": func(m *outbox.Message) { m.Chunk.Last++ },
		"another event": func(m *outbox.Message) { m.Chunk.EventID++ },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupGrants(t, 1)
			m := s.message(0, 0)
			change(&m)
			_, foreign := errors.AsType[*outbox.ForeignError](s.app.Grants.Handle(t.Context(), m))
			require.True(t, foreign)
			require.Empty(t, s.ledger.asked)
		})
	}
}

// A ledger that is away is not asked, and no claim is taken. One that fails leaves the claim open to its lease, since
// it may have granted; one that says that it applied nothing lets the next handler ask at once. None of these is an
// attempt that did not come back.
func TestALedgerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err, away error
		surplus   int
		claim     string
	}{
		"away":             {nil, errors.New("away"), 0, "closed"},
		"failed":           {errors.New("cut off"), nil, 0, "open"},
		"applied nothing":  {grants.ErrNotApplied, nil, 0, "closed"},
		"too few answers":  {nil, nil, -1, "open"},
		"too many answers": {nil, nil, 1, "open"},
		"too many, failed": {errors.New("cut off"), nil, 2, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupGrants(t, 1)
			s.ledger.err, s.ledger.away, s.ledger.surplus = tt.err, tt.away, tt.surplus
			err := s.app.Grants.Handle(t.Context(), s.message(0, 0))
			require.Error(t, err)
			require.Equal(t, tt.away != nil, errors.Is(err, outbox.ErrBusy))
			require.Equal(t, tt.away == nil, len(s.ledger.asked) == 1)
			require.Equal(t, []string{"none", tt.claim, "RUNNING"}, []string{s.row("m1"), s.claimed(), s.status()})
		})
	}
}

// Of a stopped event nothing is asked for. What a claim that ran out may have granted is looked up, and settled as
// granted.
func TestAMessageOfAStoppedEvent(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 2)
	m := s.message(0, 0)
	_, err := s.app.Events.Stop(t.Context(), command.Caller{Actor: "test"}, s.event, "a test")
	require.NoError(t, err)
	require.NoError(t, s.app.Grants.Handle(t.Context(), m))
	require.Empty(t, s.ledger.looked, "nobody asked, so nothing can stand")

	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now() + interval '1 minute', claimed_at = now()`)
	require.ErrorIs(t, s.app.Grants.Handle(t.Context(), m), outbox.ErrBusy)
	s.Exec(`UPDATE grant_chunks SET open_until = now() - interval '1 second'`)
	s.ledger.stands["m2"] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-2"}
	require.NoError(t, s.app.Grants.Handle(t.Context(), m))
	require.Empty(t, s.ledger.asked)
	require.Equal(t, []string{"m1", "m2"}, s.ledger.looked)
	require.Equal(t, []string{"none", "SUCCESS tx-2"}, []string{s.row("m1"), s.row("m2")})
	require.Equal(t, "success 1 fail 0 retried 0 settled 1", s.counted())
}

// A lapsed claim is settled however late its handler is: the lease is that of the claim which has ended.
func TestALapsedClaimHasNoDeadline(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 2)
	m := s.message(0, 0)
	_, err := s.app.Events.Stop(t.Context(), command.Caller{Actor: "test"}, s.event, "a test")
	require.NoError(t, err)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now(), claimed_at = now()`)
	s.ledger.stands["m2"] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-2"}
	limits := app.DefaultLimits()
	limits.GrantBudget, limits.ClaimLease = 1, 2 // nanoseconds
	hurried, err := app.New(app.Deps{Pool: s.Pool, River: s.River, Granter: s.ledger, Limits: limits})
	require.NoError(t, err)
	require.NoError(t, hurried.Grants.Handle(t.Context(), m))
	require.Equal(t, []string{"none", "SUCCESS tx-2"}, []string{s.row("m1"), s.row("m2")})
	require.Equal(t, "closed", s.claimed())
}

// A chunk whose claims did not come back is worked one member at a time. A member who was being asked for when the
// process died is not asked for again but looked up.
func TestAChunkThatKills(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 3)
	s.result("m2", "error_code = 'isolated'")
	s.result("m3", "error_code = 'isolated'")
	s.ledger.stands["m3"] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-3"}
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.Equal(t, []string{"m1"}, s.ledger.asked)
	require.Equal(t, []string{"m2", "m3"}, s.ledger.looked)
	require.Equal(t, []string{"SUCCESS tx-m1", "FAILED process_died retries 1", "SUCCESS tx-3"},
		[]string{s.row("m1"), s.row("m2"), s.row("m3")})

	s = setupGrants(t, 2)
	// claims that did not come back
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now(), claimed_at = now(), attempts = $1`, 5)
	batches := 0
	s.ledger.while = func() { batches++ }
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.Equal(t, 2, batches)
	require.Equal(t, "success 2 fail 0 retried 0 settled 2", s.counted())
}

// A look-up that comes to no end has what it found settled, and the next delivery looks up the others: those that the
// ledger does not know are not looked up again. The claim stays until all were.
func TestALookupGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 5)
	m := s.message(0, 0)
	_, err := s.app.Events.Stop(t.Context(), command.Caller{Actor: "test"}, s.event, "a test")
	require.NoError(t, err)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now(), claimed_at = now(), attempts = 1`)
	for _, granted := range []string{"m2", "m5"} {
		s.ledger.stands[granted] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-" + granted}
	}
	s.ledger.err, s.ledger.reach = grants.ErrNotReached, 2
	for _, want := range []struct {
		looked  []string
		counted string
	}{
		{[]string{"m1", "m2", "m3", "m4", "m5"}, "success 1 fail 0 retried 0 settled 1"},
		{[]string{"m3", "m4", "m5"}, "success 1 fail 0 retried 0 settled 1"},
	} {
		s.ledger.looked = nil
		require.ErrorIs(t, s.app.Grants.Handle(t.Context(), m), outbox.ErrBusy)
		require.Equal(t, want.looked, s.ledger.looked)
		require.Equal(t, want.counted, s.counted())
		require.Contains(t, s.claimed(), "lapsed")
	}
	s.ledger.looked, s.ledger.err = nil, nil
	require.NoError(t, s.app.Grants.Handle(t.Context(), m))
	require.Equal(t, []string{"m5"}, s.ledger.looked)
	require.Equal(t, []string{"none", "SUCCESS tx-m2", "none", "none", "SUCCESS tx-m5"},
		[]string{s.row("m1"), s.row("m2"), s.row("m3"), s.row("m4"), s.row("m5")})
	require.Equal(t, "success 2 fail 0 retried 0 settled 2", s.counted())
	require.Equal(t, "closed", s.claimed())
	require.Empty(t, s.ledger.asked)

	// Under another claim everything that is not granted is looked up again.
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now()`)
	s.ledger.looked = nil
	require.NoError(t, s.app.Grants.Handle(t.Context(), m))
	require.Equal(t, []string{"m1", "m3", "m4"}, s.ledger.looked)
}

// D11: a ledger that answers for a part of the chunk has that part settled. What it was not asked for has no row and is
// asked for when the message comes again, at once; what it may have been asked for waits for the lease.
func TestALedgerThatAnswersForAPart(t *testing.T) {
	t.Parallel()
	unknown := domain.Outcome{Verdict: domain.Unknown, Code: "bad_reply"}
	for name, c := range map[string]struct {
		err     error
		first   domain.Outcome // of m1
		row     string
		claimed string
		busy    bool // it is no fault that is logged
	}{
		"the rest was not reached":      {grants.ErrNotReached, domain.Outcome{Verdict: domain.Granted, TxID: "tx-m1"}, "SUCCESS tx-m1", "closed", true},
		"the rest was refused":          {grants.ErrNotApplied, domain.Outcome{Verdict: domain.Granted, TxID: "tx-m1"}, "SUCCESS tx-m1", "closed", false},
		"the rest was not answered":     {errors.New("time-out"), domain.Outcome{Verdict: domain.Granted, TxID: "tx-m1"}, "SUCCESS tx-m1", "open", false},
		"of the first part one unknown": {grants.ErrNotReached, unknown, "PENDING bad_reply", "open", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupGrants(t, 3)
			s.ledger.answers["m1"] = c.first
			s.ledger.err, s.ledger.reach = c.err, 2
			err := s.app.Grants.Handle(t.Context(), s.message(0, 0))
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.busy, errors.Is(err, outbox.ErrBusy))
			require.Equal(t, []string{c.row, "SUCCESS tx-m2", "none"}, []string{s.row("m1"), s.row("m2"), s.row("m3")})
			require.Equal(t, c.claimed, s.claimed())
			require.Equal(t, string(domain.Running), s.status())

			s.ledger.err, s.ledger.asked = nil, nil
			delete(s.ledger.answers, "m1")
			s.Exec(`UPDATE grant_chunks SET open_until = now() - interval '1 minute' WHERE claim_token IS NOT NULL`)
			require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
			require.NotContains(t, s.ledger.asked, "m2")
			require.Equal(t, "success 3 fail 0 retried 0 settled 3", s.counted())
			require.Equal(t, "closed", s.claimed())
			require.Equal(t, string(domain.Completed), s.status())
		})
	}
}

// T4 reads the brake's row: a message of a running event is acknowledged without a claim. One of a chunk that another
// holds is not: its claim is awaited, brake or no brake.
func TestNothingIsClaimedUnderABrake(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 3)
	s.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ('type:POINT', 'test', 'the row alone')`)
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.Zero(t, s.Int(`SELECT count(*) FROM grant_chunks WHERE claimed_at IS NOT NULL`))
	s.takeOver()
	require.ErrorIs(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)), outbox.ErrBusy, "an open claim is awaited")
	require.Zero(t, s.Int(`SELECT count(*) FROM point_results`))
	s.Exec(`UPDATE brakes SET scope = 'type:VOUCHER'`)
	s.Exec(`UPDATE grant_chunks SET claim_token = NULL, open_until = NULL, attempts = 0`)
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.EqualValues(t, 3, s.Int(`SELECT count(*) FROM point_results WHERE status = 'SUCCESS'`))
}
