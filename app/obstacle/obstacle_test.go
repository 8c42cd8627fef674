package obstacle

import (
	"testing"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// codeOf returns the code of a refusal, "" for none.
func codeOf(t *testing.T, err error) domain.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *domain.Error
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Hint, "a refusal says what to do")
	return refused.Code
}

// Each obstacle refuses an event, with a hint; of several the one that a person must know first is told.
func TestWhatKeepsAnEvent(t *testing.T) {
	t.Parallel()
	passed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	refusing := func(domain.Event, domain.Grant, time.Time) (domain.Code, string) {
		return "over_max", "over the maximum"
	}
	production := Rules{SealsPINs: true, LimitsNeeded: true}
	for name, c := range map[string]struct {
		rules  Rules
		change func(*domain.Event, *Met)
		want   domain.Code
	}{
		"nothing":             {Rules{}, func(*domain.Event, *Met) {}, ""},
		"a brake":             {Rules{}, func(_ *domain.Event, m *Met) { m.Brake = &domain.Brake{Scope: domain.BrakeAll} }, domain.BrakeEngaged},
		"an import":           {Rules{}, func(_ *domain.Event, m *Met) { m.Importing = true }, domain.ImportRunning},
		"no handler":          {Rules{}, func(_ *domain.Event, m *Met) { m.Unserved = true }, domain.GranterUnknown},
		"no targets":          {Rules{}, func(e *domain.Event, _ *Met) { e.TotalCount = 0 }, domain.NoTargets},
		"expired":             {Rules{}, func(e *domain.Event, _ *Met) { e.Expired, e.ExpiryAt = true, &passed }, domain.Expired},
		"all is final":        {Rules{}, func(e *domain.Event, _ *Met) { e.Expired, e.ExpiryAt, e.Summary.Success = true, &passed, 3 }, ""},
		"no master key":       {Rules{}, func(e *domain.Event, _ *Met) { e.Type.Operation = domain.Vouchers }, domain.MissingKeys},
		"a master key":        {Rules{SealsPINs: true}, func(e *domain.Event, _ *Met) { e.Type.Operation = domain.Vouchers }, ""},
		"a limit of a member": {Rules{}, func(e *domain.Event, m *Met) { e.Type.Limits.PerMember, m.Largest = 9, 10 }, domain.PassesLimit},
		"at the limit":        {Rules{}, func(e *domain.Event, m *Met) { e.Type.Limits.PerMember, m.Largest = 10, 10 }, ""},
		"a limit of members":  {Rules{}, func(e *domain.Event, _ *Met) { e.Type.Limits.Count = 2 }, domain.PassesLimit},
		"a limit of an event": {Rules{}, func(e *domain.Event, _ *Met) { e.Type.Limits.PerEvent = 29 }, domain.PassesLimit},
		"a limit that was passed before": {Rules{}, func(e *domain.Event, _ *Met) {
			e.Type.Limits.Count, e.Summary.Success = 2, 3
		}, ""},
		"production without limits": {production, func(*domain.Event, *Met) {}, domain.LimitsMissing},
		"production with one of them": {production, func(e *domain.Event, _ *Met) {
			e.Type.Limits = domain.TypeLimits{PerMember: 100}
		}, domain.LimitsMissing},
		"production with those of development": {production, func(e *domain.Event, _ *Met) {
			e.Type.Limits = domain.TypeLimits{PerMember: 100, PerEvent: 100, Count: 100, Seeded: true}
		}, domain.LimitsMissing},
		"production with limits": {production, func(e *domain.Event, _ *Met) {
			e.Type.Limits = domain.TypeLimits{PerMember: 100, PerEvent: 100, Count: 100}
		}, ""},
		"a ledger's rule": {Rules{Ledger: refusing}, func(e *domain.Event, _ *Met) { e.ExpiryAt = &passed }, domain.TermsRefused},
		"a ledger's rule, all is final": {Rules{Ledger: refusing}, func(e *domain.Event, _ *Met) {
			e.ExpiryAt, e.Summary.Fail = &passed, 3
		}, ""},
		"the brake before all others": {production, func(e *domain.Event, m *Met) {
			*m = Met{Brake: &domain.Brake{Scope: domain.BrakeAll}, Importing: true, Unserved: true, Largest: 100}
			e.TotalCount, e.Type.Operation = 0, domain.Vouchers
		}, domain.BrakeEngaged},
		"an import before its list is judged": {Rules{}, func(e *domain.Event, m *Met) {
			m.Importing, e.TotalCount = true, 0
		}, domain.ImportRunning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := domain.Event{
				Status: domain.Pending, TotalCount: 3, TotalAmount: 30,
				Type: domain.EventType{Code: "POINT", Granter: domain.OurGranter, Operation: domain.Points},
			}
			met := Met{Largest: 10}
			c.change(&e, &met)
			require.Equal(t, c.want, codeOf(t, c.rules.Refuse(e, met)))
		})
	}
}

// A refusal of a limit says which limit is passed, and by how much, in the type's unit.
func TestARefusalNamesTheLimit(t *testing.T) {
	t.Parallel()
	e := domain.Event{TotalCount: 3, TotalAmount: 30, Type: domain.EventType{Code: "POINT", Unit: "P"}}
	for want, limits := range map[string]domain.TypeLimits{
		"the event has a target with 10 P: max_per_member of POINT is 9 P": {PerMember: 9, PerEvent: 29, Count: 2},
		"the event comes to 30 P: max_per_event of POINT is 29 P":          {PerEvent: 29},
		"the event has 3 targets: max_count of POINT is 2":                 {Count: 2, PerEvent: 29},
	} {
		e.Type.Limits = limits
		require.EqualError(t, Rules{}.LimitsRefused(e, 10), want)
	}
}

// The largest amount of an event is that of its targets, also where an import of before has not kept it. A type without
// the limit needs none.
func TestTheLargestAmount(t *testing.T) {
	t.Parallel()
	d := eventtest.New(t)
	largest := func(id int64) (amount int64) {
		require.NoError(t, pgx.BeginFunc(t.Context(), d.Pool, func(tx pgx.Tx) error {
			e, err := eventrow.Select(t.Context(), tx, id)
			require.NoError(t, err)
			amount, err = Largest(t.Context(), tx, e)
			return err
		}))
		return amount
	}
	id, other := d.Event(), d.Event()
	for event, amounts := range map[int64][]any{id: {7, 5}, other: {900, 900}} {
		d.Exec(`INSERT INTO imports (event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount, max_amount)
			SELECT $1::bigint, 'kim', 'text/csv', '', 1, 1, 0, amount, amount FROM unnest(ARRAY[$2, $3]::bigint[]) amount`,
			append([]any{event}, amounts...)...)
		d.Exec(`INSERT INTO point_targets (event_id, id, partition_key, member_id, amount)
			VALUES ($1::bigint, $1::bigint * 10, 0, 'M1', $2), ($1::bigint, $1::bigint * 10 + 1, 0, 'M2', $3)`, append([]any{event}, amounts...)...)
	}
	require.Zero(t, largest(id), "the type has no limit for it")
	d.Exec(`UPDATE event_types SET max_per_member = 1`)
	require.EqualValues(t, 7, largest(id))
	d.Exec(`UPDATE imports SET max_amount = NULL WHERE max_amount = 7`)
	require.EqualValues(t, 7, largest(id), "the targets say it")
	require.Zero(t, largest(d.Event()), "an event without a list")
}

// The brake of all events is told before that of one type, and that of another type holds nothing.
func TestTheBrakeThatHolds(t *testing.T) {
	t.Parallel()
	d := eventtest.New(t)
	engaged := func(typeCode string) (scope domain.BrakeScope) {
		require.NoError(t, pgx.BeginFunc(t.Context(), d.Pool, func(tx pgx.Tx) error {
			brake, err := Engaged(t.Context(), tx, typeCode)
			if brake != nil {
				scope = brake.Scope
			}
			return err
		}))
		return scope
	}
	require.Empty(t, engaged("POINT"))
	d.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ('type:POINT', 'kim', 'why')`)
	require.Equal(t, domain.BrakeOf("POINT"), engaged("POINT"))
	require.Empty(t, engaged("VOUCHER"))
	d.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'kim', 'why'), ('type:VOUCHER', 'kim', 'why')`)
	require.Equal(t, domain.BrakeAll, engaged("POINT"))
	require.Equal(t, domain.BrakeAll, engaged("VOUCHER"))
}
