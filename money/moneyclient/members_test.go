package moneyclient_test

import (
	"fmt"
	"testing"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/stretchr/testify/require"
)

// savedBy saves points for a member whose id may be one that no path can hold as it is.
func (b bundle) savedBy(member string, amounts ...int64) (ids []string) {
	b.Helper()
	for n, amount := range amounts {
		m, err := b.ledger.Save(b.Context(), soon(),
			money.Item{
				Key: fmt.Sprint("save ", n, member), MemberID: member, Amount: amount, TypeCode: "BUY",
				Ref: "order",
			})
		require.NoError(b, err)
		ids = append(ids, m.TxID)
	}
	return ids
}

// The client asks for a member as the routes answer, whatever characters the id has.
func TestClientMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, member := range map[string]string{
		"plain": "kim", "Korean, with a slash": "회원/1?%2F", "a dot": ".",
		"two dots": "..",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, saves := b.client, b.savedBy(member, 100, 200)
			m, err := client.Member(t.Context(), member)
			require.NoError(t, err)
			require.Equal(t, wire.Member{MemberID: member, Balance: 300, Expiring: []wire.Expiring{}}, m)
			use := money.Spending{
				Key: "use " + member, MemberID: member, Amount: 150, TypeCode: "SHOP", Ref: "order 3",
				Reason: "봄",
			}
			moved, replayed, err := client.Use(t.Context(), use)
			require.NoError(t, err)
			require.False(t, replayed)
			require.Equal(t, int64(150), moved.Balance)
			require.Equal(t, []wire.Part{{SaveID: saves[0], Amount: -100}, {SaveID: saves[1], Amount: -50}}, moved.Lots)
			again, replayed, err := client.Use(t.Context(), use)
			require.NoError(t, err)
			require.True(t, replayed)
			require.Equal(t, moved, again)

			back := money.Cancel{Key: "back " + member, MemberID: member, TxID: moved.TxID, Amount: 60, Reason: "환불"}
			done, replayed, err := client.Cancel(t.Context(), back)
			require.NoError(t, err)
			require.False(t, replayed)
			require.Equal(t, []int64{60, 210}, []int64{done.Cancelled, done.Balance})
			_, replayed, err = client.Cancel(t.Context(), back)
			require.NoError(t, err)
			require.True(t, replayed)

			one, err := client.Movement(t.Context(), member, done.TxID)
			require.NoError(t, err)
			require.Equal(t, []any{"use_cancel", moved.TxID, "환불"}, []any{one.Kind, one.Undo, one.Reason})
			page, err := client.Movements(t.Context(), money.HistoryQuery{MemberID: member, Limit: 3})
			require.NoError(t, err)
			require.Equal(t, []string{done.TxID, moved.TxID, saves[1]},
				[]string{page.Items[0].TxID, page.Items[1].TxID, page.Items[2].TxID})
			page, err = client.Movements(t.Context(),
				money.HistoryQuery{MemberID: member, Before: page.NextCursor, Kind: money.KindSave})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			never := time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)
			page, err = client.Movements(t.Context(), money.HistoryQuery{MemberID: member, From: &never})
			require.NoError(t, err)
			require.Empty(t, page.Items)
			page, err = client.Movements(t.Context(), money.HistoryQuery{MemberID: member, To: &never})
			require.NoError(t, err)
			require.Len(t, page.Items, 4)
		})
	}
}
