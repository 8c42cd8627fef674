package money_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

func TestGrantOnce(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		asked := items(20)
		first := ask(t, grant, asked...)
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
			again := ask(t, grant, asked...)
			for i, a := range again {
				require.Equal(t, money.Replayed, a.Outcome)
				a.Outcome = money.Granted
				require.Equal(t, first[i], a, "a replay says what the grant said")
			}
		}
		require.Equal(t, 20, count(t, s.Pool, s.table))
	})
}

// A key is content too: member, amount and operation. What else differs is not looked at.
func TestGrantSameKey(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		first := ask(t, grant, item(1))[0]
		otherMember, otherAmount, otherRest := item(1), item(1), item(1)
		otherMember.MemberID = "somebody else"
		otherAmount.Amount++
		past := time.Now().Add(-time.Hour)
		otherRest.Reason, otherRest.TypeCode, otherRest.Ref, otherRest.ExpiryAt = "another", "EV", "8", &past

		answers := ask(t, grant, otherMember, item(2), otherAmount, otherRest)
		require.Equal(t, []money.Outcome{money.Conflict, money.Granted, money.Conflict, money.Replayed}, outcomes(answers))
		for _, a := range []money.Answer{answers[0], answers[2]} {
			require.Equal(t, money.KeyConflict, a.Code)
			require.False(t, a.Retryable)
			require.Empty(t, a.TxID)
			require.Nil(t, a.Voucher)
			require.NotContains(t, a.Message, first.MemberID, "whose key it is, is nobody's business")
		}
		require.Equal(t, first.TxID, answers[3].TxID)
		require.Equal(t, first.Voucher, answers[3].Voucher)
		require.Equal(t, 2, count(t, s.Pool, s.table))
	})
}

// Twice within a batch is as twice in a row.
func TestGrantKeyTwiceInBatch(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		bad, other := item(1), item(1)
		bad.Amount, other.Amount = 0, 5
		answers := ask(t, grant, item(2), bad, item(1), item(1), other, item(2), bad)
		require.Equal(t, []money.Outcome{
			money.Granted, money.Refused, money.Granted, money.Replayed, money.Conflict, money.Replayed, money.Conflict,
		}, outcomes(answers))
		require.Equal(t, answers[2].TxID, answers[3].TxID)
		require.Equal(t, answers[2].Voucher, answers[3].Voucher)
		require.Equal(t, answers[0].TxID, answers[5].TxID)
		require.Equal(t, 2, count(t, s.Pool, s.table))
	})
}

// A refusal or a failure never burns a key.
func TestGrantAfterRefusal(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		bad := item(1)
		bad.Amount = -1
		require.Equal(t, money.Refused, ask(t, grant, bad)[0].Outcome)
		require.Zero(t, count(t, s.Pool, s.table))
		require.Equal(t, money.Granted, ask(t, grant, item(1))[0].Outcome)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := grant(ctx, soon(), []money.Item{item(2)})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, money.Granted, ask(t, grant, item(2))[0].Outcome)
	})
}

// A batch is not held up by what cannot be: the rest is granted.
func TestGrantMixed(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		old := ask(t, grant, items(10)...)
		asked := items(30)
		slices.Reverse(asked)
		asked[3].MemberID = " "
		answers := ask(t, grant, asked...)
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
		require.Equal(t, 29, count(t, s.Pool, s.table))
	})
}

func TestGrantLimits(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		require.Empty(t, ask(t, grant))
		_, err := grant(t.Context(), soon(), items(money.MaxItems+1))
		require.ErrorIs(t, err, money.ErrTooMany)
		require.Zero(t, count(t, s.Pool, s.table))
		ask(t, grant, items(money.MaxItems)...)
		require.Equal(t, money.MaxItems, count(t, s.Pool, s.table))
	})
}

// Causes and expiries may differ within a batch.
func TestGrantMixedCauses(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		asked := items(6)
		at := time.Now().Add(24 * time.Hour)
		later := at.Add(time.Hour)
		asked[0].ExpiryAt, asked[1].ExpiryAt = &at, &later
		asked[2].Key, asked[2].TypeCode, asked[3].Ref, asked[4].Reason = "shop:2", "EV", "8", ""
		answers := ask(t, grant, asked...)
		typeCode, ref := "point_type_code", "ref_unique_id"
		if s.table == "money.vouchers" {
			typeCode, ref = "type_code", "ref"
		}
		for i, want := range asked {
			require.Equal(t, money.Granted, answers[i].Outcome)
			where := ` FROM ` + s.table + ` WHERE idempotency_key = $1`
			require.Equal(t, want.TypeCode, scan[string](t, s.Pool, `SELECT `+typeCode+where, want.Key))
			require.Equal(t, want.Ref, scan[string](t, s.Pool, `SELECT `+ref+where, want.Key))
			require.Equal(t, want.Reason == "", scan[bool](t, s.Pool, `SELECT reason IS NULL`+where, want.Key))
			expiry := scan[*time.Time](t, s.Pool, `SELECT expiry_at`+where, want.Key)
			if want.ExpiryAt == nil {
				require.Nil(t, expiry)
			} else {
				require.WithinDuration(t, *want.ExpiryAt, *expiry, time.Microsecond)
			}
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "Asia/Seoul", b.Location.String())
	_, err := money.New(money.Config{})
	require.ErrorContains(t, err, "database pool")
	for _, zone := range []*time.Location{time.Local, time.FixedZone("KST", 9*3600), time.FixedZone("", 0)} {
		c := b.config
		c.Location = zone
		_, err = money.New(c)
		require.ErrorContains(t, err, "IANA")
	}
}
