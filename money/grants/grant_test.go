package grants_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

func TestGrantOnce(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		asked := moneytest.Items(20)
		first := moneytest.Ask(t, grant, asked...)
		ids := map[string]bool{}
		for i, a := range first {
			require.Equal(t, money.Granted, a.Outcome)
			require.Equal(t, asked[i].MemberID, a.MemberID)
			require.Equal(t, asked[i].Amount, a.Amount)
			ids[a.TxID] = true
		}
		require.Len(t, ids, 20, "each grant has a transaction id of its own")

		slices.Reverse(asked)
		slices.Reverse(first)
		for range 3 { // for ever
			again := moneytest.Ask(t, grant, asked...)
			for i, a := range again {
				require.Equal(t, money.Replayed, a.Outcome)
				a.Outcome = money.Granted
				require.Equal(t, first[i], a, "a replay says what the grant said")
			}
		}
		require.Equal(t, 20, moneytest.Count(t, s.Pool, s.Table))
	})
}

// A key is content too: member, amount and operation. What else differs is not looked at.
func TestGrantSameKey(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		first := moneytest.Ask(t, grant, moneytest.Item(1))[0]
		otherMember, otherAmount, otherRest := moneytest.Item(1), moneytest.Item(1), moneytest.Item(1)
		otherMember.MemberID = "somebody else"
		otherAmount.Amount++
		past := time.Now().Add(-time.Hour)
		otherRest.Reason, otherRest.TypeCode, otherRest.Ref, otherRest.ExpiryAt = "another", "EV", "8", &past

		answers := moneytest.Ask(t, grant, otherMember, moneytest.Item(2), otherAmount, otherRest)
		require.Equal(t, []money.Outcome{money.Conflict, money.Granted, money.Conflict, money.Replayed},
			moneytest.Outcomes(answers))
		for _, a := range []money.Answer{answers[0], answers[2]} {
			require.Equal(t, money.KeyConflict, a.Code)
			require.False(t, a.Retryable)
			require.Empty(t, a.TxID)
			require.Nil(t, a.Voucher)
			require.NotContains(t, a.Message, first.MemberID, "whose key it is, is nobody's business")
		}
		require.Equal(t, first.TxID, answers[3].TxID)
		require.Equal(t, first.Voucher, answers[3].Voucher)
		require.Equal(t, 2, moneytest.Count(t, s.Pool, s.Table))
	})
}

// Twice within a batch is as twice in a row.
func TestGrantKeyTwiceInBatch(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		bad, other := moneytest.Item(1), moneytest.Item(1)
		bad.Amount, other.Amount = 0, 5
		answers := moneytest.Ask(t, grant, moneytest.Item(2), bad, moneytest.Item(1), moneytest.Item(1), other,
			moneytest.Item(2), bad)
		require.Equal(t, []money.Outcome{
			money.Granted, money.Refused, money.Granted, money.Replayed, money.Conflict, money.Replayed, money.Conflict,
		}, moneytest.Outcomes(answers))
		require.Equal(t, answers[2].TxID, answers[3].TxID)
		require.Equal(t, answers[2].Voucher, answers[3].Voucher)
		require.Equal(t, answers[0].TxID, answers[5].TxID)
		require.Equal(t, 2, moneytest.Count(t, s.Pool, s.Table))
	})
}

// A refusal or a failure never burns a key.
func TestGrantAfterRefusal(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		bad := moneytest.Item(1)
		bad.Amount = -1
		require.Equal(t, money.Refused, moneytest.Ask(t, grant, bad)[0].Outcome)
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
		require.Equal(t, money.Granted, moneytest.Ask(t, grant, moneytest.Item(1))[0].Outcome)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := grant(ctx, moneytest.Soon(), []money.Item{moneytest.Item(2)})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, money.Granted, moneytest.Ask(t, grant, moneytest.Item(2))[0].Outcome)
	})
}

// A batch is not held up by what cannot be: the rest is granted.
func TestGrantMixed(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		old := moneytest.Ask(t, grant, moneytest.Items(10)...)
		asked := moneytest.Items(30)
		slices.Reverse(asked)
		asked[3].MemberID = " "
		answers := moneytest.Ask(t, grant, asked...)
		for i, a := range answers {
			switch n := 29 - i; {
			case i == 3:
				require.Equal(t, money.Refused, a.Outcome)
				require.Equal(t, money.BadMember, a.Code)
			case n < 10:
				require.Equal(t, money.Replayed, a.Outcome)
				require.Equal(t, old[n].TxID, a.TxID)
			default:
				require.Equal(t, money.Granted, a.Outcome)
			}
		}
		require.Equal(t, 29, moneytest.Count(t, s.Pool, s.Table))
	})
}

func TestGrantLimits(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		require.Empty(t, moneytest.Ask(t, grant))
		_, err := grant(t.Context(), moneytest.Soon(), moneytest.Items(money.MaxItems+1))
		require.ErrorIs(t, err, money.ErrTooMany)
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
		moneytest.Ask(t, grant, moneytest.Items(money.MaxItems)...)
		require.Equal(t, money.MaxItems, moneytest.Count(t, s.Pool, s.Table))
	})
}

// Causes and expiries may differ within a batch.
func TestGrantMixedCauses(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		asked := moneytest.Items(6)
		at := time.Now().Add(24 * time.Hour)
		later := at.Add(time.Hour)
		asked[0].ExpiryAt, asked[1].ExpiryAt = &at, &later
		asked[2].Key, asked[2].TypeCode, asked[3].Ref, asked[4].Reason = "shop:2", "EV", "8", ""
		answers := moneytest.Ask(t, grant, asked...)
		typeCode, ref := "point_type_code", "ref_unique_id"
		if s.Table == "money.vouchers" {
			typeCode, ref = "type_code", "ref"
		}
		for i, want := range asked {
			require.Equal(t, money.Granted, answers[i].Outcome)
			where := ` FROM ` + s.Table + ` WHERE idempotency_key = $1`
			require.Equal(t, want.TypeCode, moneytest.Scan[string](t, s.Pool, `SELECT `+typeCode+where, want.Key))
			require.Equal(t, want.Ref, moneytest.Scan[string](t, s.Pool, `SELECT `+ref+where, want.Key))
			require.Equal(t, want.Reason == "",
				moneytest.Scan[bool](t, s.Pool, `SELECT reason IS NULL`+where, want.Key))
			expiry := moneytest.Scan[*time.Time](t, s.Pool, `SELECT expiry_at`+where, want.Key)
			if want.ExpiryAt == nil {
				require.Nil(t, expiry)
			} else {
				require.WithinDuration(t, *want.ExpiryAt, *expiry, time.Microsecond)
			}
		}
	})
}
