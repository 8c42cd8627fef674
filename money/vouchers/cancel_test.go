package vouchers_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/internal/pg"
	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// voucherCancels are cancels of what was granted, each under a key of its own.
func voucherCancels(key string, granted []money.Answer) []money.VoucherCancel {
	all := make([]money.VoucherCancel, len(granted))
	for n, a := range granted {
		all[n] = money.VoucherCancel{
			Key: fmt.Sprint(key, ":", n), MemberID: a.MemberID, TxID: a.TxID,
			Reason: "a mistake", Ref: "9",
		}
	}
	return all
}

// lines says what came of cancels.
func lines(answers []money.VoucherCancelAnswer) (all []string) {
	for _, a := range answers {
		line := string(a.Outcome)
		if a.Refusal != nil {
			line += " " + a.Refusal.Code
		}
		all = append(all, line)
	}
	return all
}

func cancelVouchers(t *testing.T, b moneytest.Bundle, cancels ...money.VoucherCancel) []string {
	t.Helper()
	answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), cancels)
	require.NoError(t, err)
	require.Len(t, answers, len(cancels))
	return lines(answers)
}

// states are the states of the vouchers of items, as a lookup says them, which the list of each member says too.
func states(t *testing.T, b moneytest.Bundle, items ...money.Item) (all []money.VoucherState) {
	t.Helper()
	keys := make([]string, len(items))
	for n := range items {
		keys[n] = items[n].Key
	}
	found, err := b.LookupVouchers(t.Context(), keys)
	require.NoError(t, err)
	for n, f := range found {
		page, err := b.Vouchers(t.Context(), money.VouchersQuery{MemberID: items[n].MemberID})
		require.NoError(t, err)
		at := slices.IndexFunc(page, func(v money.IssuedVoucher) bool { return v.TxID == f.TxID })
		require.Equal(t, f.State, page[at].State)
		require.Equal(t, f.State == money.VoucherCancelled || f.State == money.VoucherRedeemed,
			page[at].ChangedAt != nil)
		all = append(all, f.State)
	}
	return all
}

// A batch answers as if its cancels had been asked one after another; what is wrong with one is no other's concern.
func TestCancelVouchers(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	granted := moneytest.Ask(t, b.GrantVouchers, moneytest.Items(4)...)
	all := voucherCancels("claw", granted)
	with := func(c money.VoucherCancel, change func(*money.VoucherCancel)) money.VoucherCancel {
		change(&c)
		return c
	}
	batch := []money.VoucherCancel{
		all[0],
		with(all[0], func(c *money.VoucherCancel) { c.Reason = "other words" }),
		with(all[1], func(c *money.VoucherCancel) { c.Key = all[0].Key }),
		with(all[0], func(c *money.VoucherCancel) { c.Key = "another" }),
		with(all[1], func(c *money.VoucherCancel) { c.MemberID = all[2].MemberID }),
		with(all[1], func(c *money.VoucherCancel) { c.TxID = "V99999" }),
		with(all[1], func(c *money.VoucherCancel) { c.TxID = "P1" }),
		with(all[1], func(c *money.VoucherCancel) { c.Key = moneytest.Item(2).Key }),
		with(all[1], func(c *money.VoucherCancel) { c.Ref = "\x00" }),
		all[1],
	}
	want := []string{
		"cancelled", "replayed", "conflict key_conflict", "refused nothing_to_cancel",
		"refused unknown_voucher", "refused unknown_voucher",
		"refused unknown_voucher", "refused bad_key", "refused bad_ref", "cancelled",
	}
	answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), batch)
	require.NoError(t, err)
	require.Equal(t, want, lines(answers))
	require.Equal(t, granted[0].TxID, answers[1].TxID)
	require.Equal(t, granted[0].Amount, answers[1].Amount)
	require.NotContains(t, answers[2].Refusal.Message, all[0].MemberID, "a conflict says nothing of the first")
	require.Empty(t, answers[2].TxID)

	want[0], want[9] = "replayed", "replayed"
	want[4], want[5] = "conflict key_conflict", "conflict key_conflict" // their key stands for another's by now
	again, err := b.CancelVouchers(t.Context(), moneytest.Soon(), batch)
	require.NoError(t, err)
	require.Equal(t, want, lines(again))
	require.Equal(t, answers[9].Amount, again[9].Amount)
	require.Equal(t, 2, moneytest.Count(t, b.Pool, "money.voucher_events"))
	require.Equal(t, []money.VoucherState{
		money.VoucherCancelled, money.VoucherCancelled, money.VoucherIssued,
		money.VoucherIssued,
	}, states(t, b, moneytest.Items(4)...))

	_, err = b.CancelVouchers(t.Context(), moneytest.Soon(), make([]money.VoucherCancel, money.MaxCancels+1))
	require.ErrorIs(t, err, money.ErrTooMany)
	_, err = b.CancelVouchers(t.Context(), time.Now().Add(-time.Second), all[3:])
	require.ErrorIs(t, err, money.ErrDeadline)
	require.Equal(t, []money.VoucherState{money.VoucherIssued}, states(t, b, moneytest.Item(3)), "and its key is free")
	require.Equal(t, []string{"cancelled"}, cancelVouchers(t, b, all[3]))
	require.Equal(t, money.Replayed, moneytest.Ask(t, b.GrantVouchers, moneytest.Item(3))[0].Outcome,
		"its grant stays what it was")
}

// What was redeemed is not cancelled; what was restored is again as if nothing had been; what has expired can be
// cancelled.
func TestVoucherStates(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	asked := moneytest.Items(4)
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, asked...))
	event := func(n int, kind string) {
		_, err := b.Pool.Exec(t.Context(),
			`INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key)
			SELECT member_id, voucher_id, $2, gen_random_uuid()::text FROM money.vouchers WHERE idempotency_key = $1`,
			asked[n].Key, kind)
		require.NoError(t, err)
	}
	event(0, "REDEEMED")
	event(1, "REDEEMED")
	event(1, "RESTORED")
	event(3, "REDEEMED")
	for _, expired := range asked[2:] {
		moneytest.Forge(t, b.Pool, fmt.Sprintf(
			`UPDATE money.vouchers SET expiry_at = now() - interval '1 second' WHERE idempotency_key = '%s'`, expired.Key))
	}
	require.Equal(t, []money.VoucherState{
		money.VoucherRedeemed, money.VoucherIssued, money.VoucherExpired,
		money.VoucherRedeemed,
	}, states(t, b, asked...))
	require.Equal(t, []string{"refused redeemed", "cancelled", "cancelled", "refused redeemed"},
		cancelVouchers(t, b, all...))
	event(3, "RESTORED")
	require.Equal(t, []money.VoucherState{
		money.VoucherRedeemed, money.VoucherCancelled, money.VoucherCancelled,
		money.VoucherExpired,
	}, states(t, b, asked...))
}

// The keys of cancels and of grants are one space: a grant under a cancel's key is a conflict, and the other way round.
func TestKeysOfVouchersAreOneSpace(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	shop := moneytest.Item(1)
	shop.Key, shop.TypeCode = "shop:1", "SHOP"
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Item(0), shop))
	taken, granted := all[0], all[1]
	taken.Key, granted.Key = shop.Key, shop.Key // the key of another voucher's grant, and of its own
	require.Equal(t, []string{"conflict key_conflict", "conflict key_conflict", "cancelled"},
		cancelVouchers(t, b, taken, granted, all[0]))
	under := moneytest.Item(2)
	under.Key = all[0].Key
	require.Equal(t, []money.Outcome{money.Conflict, money.Granted},
		moneytest.Outcomes(moneytest.Ask(t, b.GrantVouchers, under, moneytest.Item(3))))
	require.Equal(t, money.Conflict, moneytest.Ask(t, b.GrantVouchers, under)[0].Outcome, "alone in its batch")
	found, err := b.LookupVouchers(t.Context(), []string{all[0].Key})
	require.NoError(t, err)
	require.False(t, found[0].Known, "a cancel is no grant")
}

// Of a grant and a cancel that come under one key at once, one is applied: the key stands for that one.
func TestOneKeyForAGrantAndACancelAtOnce(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	for n, old := range moneytest.Ask(t, b.GrantVouchers, moneytest.Items(40)...) {
		key := fmt.Sprint("shop:", n)
		fresh := moneytest.Item(100 + n)
		fresh.Key, fresh.TypeCode = key, "SHOP"
		var granted []money.Answer
		var cancelled []money.VoucherCancelAnswer
		var both errgroup.Group
		both.Go(func() (err error) {
			granted, err = b.GrantVouchers(t.Context(), moneytest.Soon(), []money.Item{fresh})
			return err
		})
		both.Go(func() (err error) {
			cancelled, err = b.CancelVouchers(t.Context(), moneytest.Soon(),
				[]money.VoucherCancel{{Key: key, MemberID: old.MemberID, TxID: old.TxID}})
			return err
		})
		require.NoError(t, both.Wait())
		applied := []bool{granted[0].Outcome == money.Granted, cancelled[0].Outcome == money.Undone}
		require.Contains(t, [][]bool{{true, false}, {false, true}}, applied, key)
		found, err := b.LookupVouchers(t.Context(), []string{key})
		require.NoError(t, err)
		require.Equal(t, applied[0], found[0].Known)
	}
}

// A code that was cancelled is not given again.
func TestCancelledCodeStaysTaken(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	same := []byte("0123456789\x00\x00\x00\x07")
	b.Config.Random = &moneytest.Script{Bytes: same}
	first := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Item(1))
	require.Equal(t, []string{"cancelled"}, cancelVouchers(t, b, voucherCancels("claw", first)...))
	b.Config.Random = &moneytest.Script{Bytes: same}
	second := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Item(2))[0]
	require.Equal(t, money.Granted, second.Outcome)
	require.NotEqual(t, first[0].Voucher.Code, second.Voucher.Code)
}

// Of cancels at once, one is applied: under one key the others are replays, under keys of their own they have nothing
// to cancel.
func TestCancelVouchersAtOnce(t *testing.T) {
	t.Parallel()
	const workers = 16
	b, seen := moneytest.Traced(t, moneytest.Setup(t))
	granted := moneytest.Ask(t, b.GrantVouchers, moneytest.Items(60)...)
	for round, own := range []bool{false, true} {
		mine := granted[round*30 : round*30+30]
		said := make([][]string, workers)
		var g errgroup.Group
		for w := range workers {
			g.Go(func() error {
				key := "same"
				if own {
					key = fmt.Sprint("own", w)
				}
				cancels := voucherCancels(key, mine)
				rand.Shuffle(len(cancels), func(i, j int) { cancels[i], cancels[j] = cancels[j], cancels[i] })
				answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), cancels)
				said[w] = lines(answers)
				return err
			})
		}
		require.NoError(t, g.Wait())
		counts := map[string]int{}
		for _, line := range slices.Concat(said...) {
			counts[line]++
		}
		other := "replayed"
		if own {
			other = "refused nothing_to_cancel"
		}
		require.Equal(t, map[string]int{"cancelled": 30, other: 30 * (workers - 1)}, counts)
	}
	require.Empty(t, seen.Seen(), "deadlocks or serialization failures")
	require.Equal(t, 60, moneytest.Count(t, b.Pool, "money.voucher_events"))
}

// One key for two vouchers at once: one of them is cancelled, and the other is told that the key is taken.
func TestCancelTwoVouchersByOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Items(2)...))
	all[1].Key = all[0].Key
	other, err := b.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), `INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key)
		SELECT member_id, voucher_id, 'CANCELLED', $2 FROM money.vouchers WHERE idempotency_key = $1`,
		moneytest.Item(0).Key, all[0].Key)
	require.NoError(t, err)
	said := make(chan []string, 1)
	var g errgroup.Group
	g.Go(func() error {
		answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), all[1:])
		said <- lines(answers)
		return err
	})
	moneytest.WaitForLock(t, b.Pool)
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, g.Wait())
	require.Equal(t, []string{"conflict key_conflict"}, <-said)
	require.Equal(t, []money.VoucherState{money.VoucherCancelled, money.VoucherIssued},
		states(t, b, moneytest.Items(2)...))
}

// A voucher that another transaction is cancelling, by another key, is waited for: it is cancelled once.
func TestCancelAVoucherThatIsBeingCancelled(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Item(0)))
	other, err := b.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = other.Exec(t.Context(), `SELECT FROM money.vouchers WHERE idempotency_key = $1 FOR UPDATE`, moneytest.Item(0).Key)
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), `INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key)
		SELECT member_id, voucher_id, 'CANCELLED', 'another' FROM money.vouchers WHERE idempotency_key = $1`, moneytest.Item(0).Key)
	require.NoError(t, err)
	said := make(chan []string, 1)
	var g errgroup.Group
	g.Go(func() error {
		answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), all)
		said <- lines(answers)
		return err
	})
	const waits = `SELECT count(*) FROM pg_locks WHERE NOT granted
		AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`
	require.Eventually(t, func() bool { return len(said) > 0 || moneytest.Scan[int](t, b.Pool, waits) > 0 }, time.Minute,
		5*time.Millisecond)
	require.Empty(t, said, "the voucher is locked")
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, g.Wait())
	require.Equal(t, []string{"refused nothing_to_cancel"}, <-said)
}

// Vouchers and what became of them are append-only, for the tables' owner too.
func TestVouchersAreAppendOnly(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	cancelVouchers(t, b, voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Items(2)...))...)
	for _, sql := range []string{
		`UPDATE money.vouchers SET amount = amount`, `DELETE FROM money.vouchers`, `TRUNCATE money.vouchers`,
		`UPDATE money.voucher_events SET kind = 'RESTORED'`, `DELETE FROM money.voucher_events`,
		`TRUNCATE money.voucher_events`,
	} {
		_, err := b.Pool.Exec(t.Context(), sql)
		require.Equal(t, "55000", pg.Code(err), sql)
	}
}

// A page of a member's vouchers is newest first, and its cursor leads to the next one.
func TestVouchersOfAMember(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	asked := moneytest.Items(5)
	for n := range asked {
		asked[n].MemberID = "회원/하나"
	}
	granted := moneytest.Ask(t, b.GrantVouchers, asked...)
	cancelVouchers(t, b, voucherCancels("claw", granted[3:4])...)
	page, err := b.Vouchers(t.Context(), money.VouchersQuery{MemberID: "회원/하나", Limit: 3})
	require.NoError(t, err)
	require.Equal(t, []string{granted[4].TxID, granted[3].TxID, granted[2].TxID},
		[]string{page[0].TxID, page[1].TxID, page[2].TxID})
	require.Equal(t, money.VoucherCancelled, page[1].State)
	require.Equal(t, "봄 축제", page[0].Reason)
	page, err = b.Vouchers(t.Context(), money.VouchersQuery{MemberID: "회원/하나", Before: page[2].TxID})
	require.NoError(t, err)
	require.Len(t, page, 2)
	for code, q := range map[string]money.VouchersQuery{
		money.BadMember: {MemberID: " m"}, money.BadCursor: {MemberID: "m", Before: "P1"}, money.BadLimit: {MemberID: "m", Limit: money.MaxPage + 1},
	} {
		_, err := b.Vouchers(t.Context(), q)
		moneytest.RefusedAs(t, code, err)
	}
}

// A thousand vouchers are cancelled in one call.
func TestCancelAThousandVouchers(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	all := voucherCancels("claw", moneytest.Ask(t, b.GrantVouchers, moneytest.Items(money.MaxCancels)...))
	answers, err := b.CancelVouchers(t.Context(), moneytest.Soon(), all)
	require.NoError(t, err)
	for n, a := range answers {
		require.Equal(t, money.Undone, a.Outcome)
		require.EqualValues(t, 1000+n, a.Amount)
	}
	require.Equal(t, money.MaxCancels, moneytest.Count(t, b.Pool, "money.voucher_events"))
}
