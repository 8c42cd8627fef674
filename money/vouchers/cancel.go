package vouchers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/internal/failpoint"
	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// CancelVouchers cancels vouchers in one transaction, and answers in the order asked, as if one had been asked after
// the other. A voucher that has expired can be cancelled; one that was redeemed or cancelled is refused (Redeemed,
// NothingToCancel), and one that the member does not have (UnknownVoucher). The keys are one space with those of the
// grants of vouchers. Errors: ErrDeadline, ErrBusy, ErrTooMany (MaxCancels); after any other it is unknown what was
// applied: ask again with the same keys.
func (k *Keeper) CancelVouchers(ctx context.Context, deadline time.Time,
	cancels []money.VoucherCancel,
) ([]money.VoucherCancelAnswer, error) {
	work := func(tx pgx.Tx) ([]money.VoucherCancelAnswer, error) { return cancelVouchers(ctx, tx, cancels) }
	return frame.Batch(ctx, k.pool, deadline, "vouchers", cancels, work,
		func(a *money.VoucherCancelAnswer) money.Outcome { return a.Outcome })
}

// voucherEvent holds what stands under a key of the vouchers.
type voucherEvent struct {
	kind   string // "": the grant of a voucher
	of     voucherID
	amount int64
}

// voucherCancels is a batch of cancels of vouchers at work: what it has found and decided so far.
type voucherCancels struct {
	amounts map[voucherID]int64
	states  map[voucherID]money.VoucherState
	written []writtenVoucherCancel
}

// writtenVoucherCancel is a cancel that is to be written.
type writtenVoucherCancel struct {
	*money.VoucherCancel

	of voucherID
}

func cancelVouchers(ctx context.Context, tx pgx.Tx,
	cancels []money.VoucherCancel,
) ([]money.VoucherCancelAnswer, error) {
	all, err := frame.UndoAll(ctx, tx, &voucherCancels{}, func(c *money.VoucherCancel) string { return c.Key }, cancels)
	if err != nil {
		return nil, err
	}
	answers := make([]money.VoucherCancelAnswer, len(all))
	for n := range all {
		a := &all[n]
		answers[n] = money.VoucherCancelAnswer{Key: a.Key, Outcome: a.Outcome, Refusal: a.Refusal}
		if a.Refusal == nil {
			answers[n].TxID, answers[n].Amount = money.Vouchers.TxID(a.Stands.of.id), a.Stands.amount
		}
	}
	return answers, nil
}

func (b *voucherCancels) Prepare(c *money.VoucherCancel) (voucherID, error) {
	if r := c.Check(); r != nil {
		return voucherID{}, r
	}
	kind, id, err := money.ParseTxID(c.TxID)
	if err != nil || kind != money.Vouchers {
		return voucherID{}, unknownVoucher()
	}
	return voucherID{c.MemberID, id}, nil
}

func unknownVoucher() *money.Refusal {
	return money.NewRefusal(money.UnknownVoucher,
		"the member has no such voucher: take its id from the answer to its grant, or from the member's vouchers")
}

// Open locks the keys of the cancels and their vouchers, and reads what stands under the keys, and the states.
func (b *voucherCancels) Open(ctx context.Context, tx pgx.Tx, cancels []*money.VoucherCancel,
	targets []voucherID,
) (map[string]voucherEvent, error) {
	keys := make([]string, len(cancels))
	for n, c := range cancels {
		keys[n] = c.Key
	}
	vouchers := slices.Clone(targets)
	slices.SortFunc(vouchers, func(a, b voucherID) int {
		return cmp.Or(strings.Compare(a.member, b.member), cmp.Compare(a.id, b.id))
	})
	vouchers = slices.Compact(vouchers)
	members, ids := make([]string, len(vouchers)), make([]int64, len(vouchers))
	for n, v := range vouchers {
		members[n], ids[n] = v.member, v.id
	}
	err := frame.LockVoucherKeys(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	if b.amounts, err = lockVouchers(ctx, tx, members, ids); err != nil {
		return nil, err
	}
	standing, err := findVoucherEvents(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	b.states, err = selectStates(ctx, tx, members, ids)
	return standing, err
}

// lockVouchers locks vouchers in the order given, which is the same for every batch, and returns what they are worth.
func lockVouchers(ctx context.Context, tx pgx.Tx, members []string, ids []int64) (map[voucherID]int64, error) {
	const lock = `SELECT v.member_id, v.voucher_id, v.amount FROM unnest($1::text[], $2::bigint[]) t (member_id, id)
		CROSS JOIN LATERAL (SELECT member_id, voucher_id, amount FROM money.vouchers
			WHERE member_id = t.member_id AND voucher_id = t.id FOR UPDATE) v`
	rows, err := tx.Query(ctx, lock, members, ids)
	if err != nil {
		return nil, fmt.Errorf("lock vouchers: %w", err)
	}
	amounts := make(map[voucherID]int64, len(ids))
	var v voucherID
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&v.member, &v.id, &amount}, func() error {
		amounts[v] = amount
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock vouchers: %w", err)
	}
	return amounts, nil
}

// findVoucherEvents returns what stands under keys, by key: an event, or the grant of a voucher.
func findVoucherEvents(ctx context.Context, tx pgx.Tx, keys []string) (map[string]voucherEvent, error) {
	const query = `SELECT k.key, e.kind, e.member_id, e.voucher_id, coalesce(v.amount, 0) FROM unnest($1::text[]) k (key)
		CROSS JOIN LATERAL (SELECT kind, member_id, voucher_id FROM money.voucher_events WHERE idempotency_key = k.key LIMIT 1) e
		LEFT JOIN LATERAL (SELECT amount FROM money.vouchers WHERE member_id = e.member_id AND voucher_id = e.voucher_id LIMIT 1) v ON true
		UNION ALL
		SELECT k.key, '', v.member_id, v.voucher_id, v.amount FROM unnest($1::text[]) k (key)
		CROSS JOIN LATERAL (SELECT member_id, voucher_id, amount FROM money.vouchers WHERE idempotency_key = k.key LIMIT 1) v`
	rows, err := tx.Query(ctx, query, keys)
	if err != nil {
		return nil, fmt.Errorf("read events of vouchers: %w", err)
	}
	events := map[string]voucherEvent{}
	var key string
	var e voucherEvent
	_, err = pgx.ForEachRow(rows, []any{&key, &e.kind, &e.of.member, &e.of.id, &e.amount}, func() error {
		events[key] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events of vouchers: %w", err)
	}
	return events, nil
}

func (b *voucherCancels) IsOf(_ *money.VoucherCancel, target voucherID, stands voucherEvent) bool {
	return stands.kind == kindCancelled && stands.of == target
}

func (b *voucherCancels) Decide(c *money.VoucherCancel, target voucherID) (voucherEvent, error) {
	switch b.states[target] {
	case money.VoucherIssued, money.VoucherExpired:
		b.states[target] = money.VoucherCancelled
		b.written = append(b.written, writtenVoucherCancel{c, target})
		return voucherEvent{kindCancelled, target, b.amounts[target]}, nil
	case money.VoucherCancelled:
		return voucherEvent{}, money.NewRefusal(money.NothingToCancel, "the voucher has been cancelled already")
	case money.VoucherRedeemed:
		return voucherEvent{}, money.NewRefusal(money.Redeemed, "the voucher has been redeemed: it cannot be cancelled")
	}
	return voucherEvent{}, unknownVoucher()
}

// Write writes the cancels in the order of their keys, in which every batch writes.
func (b *voucherCancels) Write(ctx context.Context, tx pgx.Tx) error {
	if len(b.written) == 0 {
		return nil
	}
	slices.SortFunc(b.written, func(a, b writtenVoucherCancel) int { return strings.Compare(a.Key, b.Key) })
	var columns [4][]string
	ids := make([]int64, len(b.written))
	for n, c := range b.written {
		ids[n] = c.of.id
		for at, value := range []string{c.MemberID, c.Key, c.Reason, c.Ref} {
			columns[at] = append(columns[at], value)
		}
	}
	const insert = `INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key, reason, ref)
		SELECT member_id, voucher_id, $6, key, nullif(reason, ''), nullif(ref, '')
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
			WITH ORDINALITY c (member_id, voucher_id, key, reason, ref, n) ORDER BY n`
	_, err := tx.Exec(ctx, insert, columns[0], ids, columns[1], columns[2], columns[3], kindCancelled)
	if err != nil {
		return fmt.Errorf("write cancels of vouchers: %w", err)
	}
	return failpoint.Hit(ctx, failpoint.MoneyCancelWritten)
}
