package grants_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is the ledger as one would write it without a database: a map.
type model map[string]money.Answer

// grant answers i as the ledger should, but for transaction id and voucher, which the model learns.
func (m model) grant(i money.Item, got money.Answer) money.Answer {
	want := money.Answer{Key: i.Key, MemberID: i.MemberID, Amount: i.Amount}
	old, there := m[i.Key]
	switch {
	case there && old.MemberID == i.MemberID && old.Amount == i.Amount:
		want = old
		want.Outcome = money.Replayed
	case there:
		want.Outcome, want.Code, want.Message = money.Conflict, money.KeyConflict, got.Message
	case i.Amount <= 0:
		want.Outcome, want.Code, want.Message = money.Refused, money.BadAmount, got.Message
	case i.ExpiryAt != nil && i.ExpiryAt.Before(time.Now()):
		want.Outcome, want.Code, want.Message = money.Refused, money.Expired, got.Message
	default:
		want.Outcome, want.TxID, want.Voucher = money.Granted, got.TxID, got.Voucher
		m[i.Key] = want
	}
	return want
}

// Whatever batches are asked for, with whatever keys in common, the ledger does what the map does.
func TestGrantModel(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		run, total := 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			m := model{}
			for range rapid.IntRange(1, 6).Draw(rt, "batches") {
				asked := rapid.SliceOfN(anyItem(run), 0, 8).Draw(rt, "items")
				deadline := moneytest.Soon()
				if rapid.IntRange(0, 5).Draw(rt, "too late") == 0 {
					deadline = time.Now().Add(-time.Second)
				}
				answers, err := grant(t.Context(), deadline, asked)
				late := deadline.Before(time.Now())
				if late && errors.Is(err, money.ErrDeadline) {
					require.True(rt, m.lacks(asked), "what stands is replayed however late")
					continue
				}
				require.NoError(rt, err)
				require.Len(rt, answers, len(asked))
				for n, got := range answers {
					require.Equal(rt, m.grant(asked[n], got), got)
					require.False(rt, late && got.Outcome == money.Granted)
				}
			}
			m.check(rt, run)
			total += len(m)
			require.Equal(rt, total, moneytest.Count(t, s.Pool, s.Table))
		})
	})
}

// lacks reports whether the key of any of items stands for nothing.
func (m model) lacks(items []money.Item) bool {
	return slices.ContainsFunc(items, func(i money.Item) bool { return m[i.Key].Key == "" })
}

// check: each key has a transaction id of its own.
func (m model) check(t *rapid.T, run int) {
	ids := map[string]bool{}
	for _, a := range m {
		require.NotEmpty(t, a.TxID)
		ids[a.TxID] = true
	}
	require.Len(t, ids, len(m), "run %d", run)
}

// anyItem draws from few keys, members and amounts, so that they meet.
func anyItem(run int) *rapid.Generator[money.Item] {
	return rapid.Custom(func(t *rapid.T) money.Item {
		i := money.Item{
			Key:      fmt.Sprintf("run:%d:%d", run, rapid.IntRange(0, 7).Draw(t, "key")),
			MemberID: fmt.Sprint("m", rapid.IntRange(0, 9).Draw(t, "member")/9),
			Amount:   int64(rapid.IntRange(0, 10).Draw(t, "amount")+8) / 9,
			TypeCode: "EVT", Ref: fmt.Sprint(rapid.IntRange(1, 2).Draw(t, "ref")),
		}
		if e := rapid.IntRange(0, 9).Draw(t, "expiry"); e < 2 {
			at := time.Now().Add(time.Duration(e*2-1) * time.Hour)
			i.ExpiryAt = &at
		}
		return i
	})
}
