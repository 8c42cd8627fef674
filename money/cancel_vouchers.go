package money

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"bestow/internal/failpoint"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// VoucherCancel asks for a voucher to be cancelled.
type VoucherCancel struct {
	Key      string // the idempotency key: 1 to 200 characters
	MemberID string
	TxID     string // of the voucher
	Reason   string // at most 500 characters; "" for none
	Ref      string // the causing record: at most 100 characters; "" for none
}

// VoucherCancelAnswer is what came of one cancel of a batch.
type VoucherCancelAnswer struct {
	Key     string
	Outcome Outcome // Undone, Replayed, Refused or Conflict
	TxID    string  // of the voucher, where it is Undone or Replayed
	Amount  int64   // likewise: what it was worth
	Refusal *Refusal
}

// CancelVouchers cancels vouchers in one transaction, and answers in the order asked, as if one had been asked after the
// other. A voucher that has expired can be cancelled; one that was redeemed or cancelled is refused (Redeemed,
// NothingToCancel), and one that the member does not have (UnknownVoucher). The keys are one space with those of the grants of
// vouchers. Errors: ErrDeadline, ErrBusy, ErrTooMany (MaxCancels); after any other it is unknown what was applied: ask again
// with the same keys.
func (l *Ledger) CancelVouchers(ctx context.Context, deadline time.Time, cancels []VoucherCancel) ([]VoucherCancelAnswer, error) {
	work := func(tx pgx.Tx) ([]VoucherCancelAnswer, error) { return cancelVouchers(ctx, tx, cancels) }
	return cancelBatch(ctx, l, deadline, "vouchers", cancels, work, func(a *VoucherCancelAnswer) Outcome { return a.Outcome })
}

// voucherEvent is what stands under a key of the vouchers.
type voucherEvent struct {
	kind   string // "": the grant of a voucher
	of     voucherID
	amount int64
}

// voucherCancels is a batch of cancels of vouchers at work: what it has found and decided so far.
type voucherCancels struct {
	amounts map[voucherID]int64
	states  map[voucherID]VoucherState
	written []writtenVoucherCancel
}

// writtenVoucherCancel is a cancel that is to be written.
type writtenVoucherCancel struct {
	*VoucherCancel

	of voucherID
}

func cancelVouchers(ctx context.Context, tx pgx.Tx, cancels []VoucherCancel) ([]VoucherCancelAnswer, error) {
	all, err := undoAll(ctx, tx, &voucherCancels{}, func(c *VoucherCancel) string { return c.Key }, cancels)
	if err != nil {
		return nil, err
	}
	answers := make([]VoucherCancelAnswer, len(all))
	for n := range all {
		a := &all[n]
		answers[n] = VoucherCancelAnswer{Key: a.key, Outcome: a.outcome, Refusal: a.refusal}
		if a.refusal == nil {
			answers[n].TxID, answers[n].Amount = Vouchers.txID(a.stands.of.id), a.stands.amount
		}
	}
	return answers, nil
}

func (b *voucherCancels) prepare(c *VoucherCancel) (voucherID, error) { return c.check() }

// check returns the voucher that is meant, or why c can never be.
func (c *VoucherCancel) check() (voucherID, error) {
	if err := checkMovement(c.Key, c.MemberID, c.Reason).refused(); err != nil {
		return voucherID{}, err
	}
	if !text(c.Ref, maxRef) {
		return voucherID{}, refusedAs(BadRef, "the ref cannot be stored: it must be text of at most 100 characters")
	}
	kind, id, err := ParseTxID(c.TxID)
	if err != nil || kind != Vouchers {
		return voucherID{}, unknownVoucher()
	}
	return voucherID{c.MemberID, id}, nil
}

func unknownVoucher() *Refusal {
	return refusedAs(UnknownVoucher, "the member has no such voucher: take its id from the answer to its grant, or from the member's vouchers")
}

// open locks the keys of the cancels and their vouchers, and reads what stands under the keys, and the states.
func (b *voucherCancels) open(ctx context.Context, tx pgx.Tx, cancels []*VoucherCancel, targets []voucherID) (map[string]voucherEvent, error) {
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
	err := lockVoucherKeys(ctx, tx, keys)
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

// voucherKeyLocks is how many locks there are for the keys of vouchers. Keys share them: a batch has a thousand keys, and
// PostgreSQL has room for some thousand locks.
const voucherKeyLocks = 256

// lockVoucherKeys lets one transaction at a time be the first under a key. Grants and cancels have one space of keys, and each a
// unique index of its own, which sees nothing of the other. A campaign's keys are no cancel's, and need no lock.
func lockVoucherKeys(ctx context.Context, tx pgx.Tx, keys []string) error {
	var ids []int64
	for _, key := range keys {
		if !ofCampaign(key) {
			hash := fnv.New32a()
			_, _ = hash.Write([]byte(key)) // never fails
			ids = append(ids, int64(hash.Sum32()%voucherKeyLocks))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return pg.LockAll(ctx, tx, pg.VoucherKeys, slices.Compact(ids))
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

func (b *voucherCancels) isOf(_ *VoucherCancel, target voucherID, stands voucherEvent) bool {
	return stands.kind == kindCancelled && stands.of == target
}

func (b *voucherCancels) decide(c *VoucherCancel, target voucherID) (voucherEvent, error) {
	switch b.states[target] {
	case VoucherIssued, VoucherExpired:
		b.states[target] = VoucherCancelled
		b.written = append(b.written, writtenVoucherCancel{c, target})
		return voucherEvent{kindCancelled, target, b.amounts[target]}, nil
	case VoucherCancelled:
		return voucherEvent{}, refusedAs(NothingToCancel, "the voucher has been cancelled already")
	case VoucherRedeemed:
		return voucherEvent{}, refusedAs(Redeemed, "the voucher has been redeemed: it cannot be cancelled")
	}
	return voucherEvent{}, unknownVoucher()
}

// write writes the cancels in the order of their keys, in which every batch writes.
func (b *voucherCancels) write(ctx context.Context, tx pgx.Tx) error {
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
