package points_test

import (
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// Reads refuse what cannot be asked, and say which part of it.
func TestReadsRefuse(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved := s.Saved(10)
	for _, member := range []string{
		"", " ", "m ", "a\x00b", "a\nb", "a\u202eb", "\u1100\u1161", "\xff",
		strings.Repeat("m", 51),
	} {
		_, err := s.Member(t.Context(), member)
		moneytest.RefusedAs(t, money.BadMember, err)
		_, err = s.Movements(t.Context(), money.HistoryQuery{MemberID: member})
		moneytest.RefusedAs(t, money.BadMember, err)
		_, err = s.Movement(t.Context(), member, saved)
		moneytest.RefusedAs(t, money.BadMember, err)
	}
	for _, asked := range []struct {
		money.HistoryQuery

		code string
	}{
		{money.HistoryQuery{Limit: -1}, money.BadLimit},
		{money.HistoryQuery{Limit: money.MaxPage + 1}, money.BadLimit},
		{money.HistoryQuery{Kind: "S"}, money.BadKind},
		{money.HistoryQuery{Kind: "spend"}, money.BadKind},
		{money.HistoryQuery{Before: "7"}, money.BadCursor},
		{money.HistoryQuery{Before: "V7"}, money.BadCursor},
		{money.HistoryQuery{Before: "P-7"}, money.BadCursor},
		{money.HistoryQuery{Before: "P99999999999999999999"}, money.BadCursor},
	} {
		asked.MemberID = "m"
		_, err := s.Movements(t.Context(), asked.HistoryQuery)
		moneytest.RefusedAs(t, asked.code, err)
	}
	for _, id := range []string{"", "7", "V7", "P0", "P 7", "P9223372036854775807", "P99999999999999999999"} {
		_, err := s.Movement(t.Context(), "m", id)
		moneytest.RefusedAs(t, money.UnknownMovement, err)
	}
	_, err := s.Movement(t.Context(), "another", saved)
	moneytest.RefusedAs(t, money.UnknownMovement, err)
	unknown, err := s.Member(t.Context(), "nobody yet")
	require.NoError(t, err, "a member without movements has nothing")
	require.Equal(t, money.Member{MemberID: "nobody yet", Expiring: []money.Expiring{}}, unknown)
}

// Cancels refuse what cannot be asked.
func TestCancelRefuses(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	saved := s.Saved(10)
	for code, change := range map[string]func(*money.Cancel){
		money.BadKey:          func(c *money.Cancel) { c.Key = "grant:7:m" },
		money.BadMember:       func(c *money.Cancel) { c.MemberID = "m " },
		money.BadAmount:       func(c *money.Cancel) { c.Amount = -1 },
		money.BadReason:       func(c *money.Cancel) { c.Reason = strings.Repeat("r", 501) },
		money.BadChoice:       func(c *money.Cancel) { c.OnUsed = "forget" },
		money.UnknownMovement: func(c *money.Cancel) { c.TxID = "V1" },
	} {
		_, err := s.TryCancel(saved, 0, change)
		moneytest.RefusedAs(t, code, err)
	}
	_, err := s.TryCancel(saved, 0, func(c *money.Cancel) { c.OnExpiredLot = "keep" })
	moneytest.RefusedAs(t, money.BadChoice, err)
	require.EqualValues(t, 10, s.Balance())
}

// A history is read page by page, newest first, by kind and by time, while movements arrive.
func TestMovementsByPages(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	var saves []string
	for range 5 {
		saves = append(saves, s.Saved(10))
	}
	s.Used(25)
	page := func(q money.HistoryQuery) (ids []string) {
		t.Helper()
		q.MemberID = "m"
		list, err := s.Movements(t.Context(), q)
		require.NoError(t, err)
		for _, m := range list {
			ids = append(ids, m.TxID)
		}
		return ids
	}
	first := page(money.HistoryQuery{Limit: 2})
	require.Equal(t, saves[4], first[1])
	s.Saved(10)
	second := page(money.HistoryQuery{Limit: 2, Before: first[1]})
	require.Equal(t, []string{saves[3], saves[2]}, second)
	require.Equal(t, []string{saves[1], saves[0]}, page(money.HistoryQuery{Before: second[1]}))
	require.Empty(t, page(money.HistoryQuery{Before: saves[0]}))
	require.Len(t, page(money.HistoryQuery{Kind: money.KindUse}), 1)
	at := func(id string) *time.Time {
		m, err := s.Movement(t.Context(), "m", id)
		require.NoError(t, err)
		return &m.CreatedAt
	}
	require.Equal(t, []string{saves[2], saves[1]}, page(money.HistoryQuery{From: at(saves[1]), To: at(saves[3])}),
		"from is in, to is not")
}

// More points than a number holds are kept and cannot be read: the answer says so, and is no wrong number.
func TestMemberOutOfRange(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	_, err := s.Pool.Exec(t.Context(),
		`INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code)
		SELECT n, n, n, 'm', 1000000000000000, 1000000000000000, 'S' FROM generate_series(1, 9224) n`)
	require.NoError(t, err)
	_, err = s.Member(t.Context(), "m")
	moneytest.RefusedAs(t, money.OutOfRange, err)
	require.Len(t, s.Used(money.MaxAmount).Lots, 1, "they can be spent")
	_, err = s.Member(t.Context(), "m")
	require.NoError(t, err)
}
