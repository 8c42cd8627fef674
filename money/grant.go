package money

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// GrantPoints saves one lot for each item and answers in the order asked. Nothing is applied after deadline, and a
// replay needs none. Errors: ErrDeadline, ErrTooMany; after any other it is unknown what was applied.
func (l *Ledger) GrantPoints(ctx context.Context, deadline time.Time, items []Item) ([]Answer, error) {
	if err := sized(len(items)); err != nil {
		return nil, err
	}
	answers, err := l.grant(ctx, pointBook{l.Location}, deadline, items)
	if err != nil {
		return nil, err
	}
	return answers, failpoint.Hit(ctx, failpoint.MoneyPointsCommitted)
}

// GrantVouchers issues one voucher for each item and answers in the order asked, with code and PIN: of a Replayed one
// those that it got the first time. Nothing is applied after deadline, and a replay needs none. Errors: ErrNoMaster,
// ErrDeadline, ErrTooMany; after any other it is unknown what was applied.
func (l *Ledger) GrantVouchers(ctx context.Context, deadline time.Time, items []Item) ([]Answer, error) {
	if err := sized(len(items)); err != nil {
		return nil, err
	}
	keys, err := l.vault.of(ctx, refsOf(items))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pg.ErrNotBegun, err)
	}
	answers, err := l.grant(ctx, voucherBook{l.vault, l.mint, keys}, deadline, items)
	if err != nil {
		return nil, err
	}
	return answers, failpoint.Hit(ctx, failpoint.MoneyVouchersCommitted)
}

func sized(n int) error {
	if n > MaxItems {
		return fmt.Errorf("%w: %d, and %d is the most", ErrTooMany, n, MaxItems)
	}
	return nil
}

// book is where grants of one kind are written, each row with its idempotency key.
type book interface {
	kind() Kind
	// insert writes items, one at least, in the order of their keys and each key once, and returns their entries. With
	// skip, an item whose key is taken is not written, and its entry has no id; without it, it is a unique violation.
	insert(ctx context.Context, tx pgx.Tx, items []Item, skip bool) ([]entry, error)
	// find returns what stands under keys, by key.
	find(ctx context.Context, q querier, keys []string) (map[string]entry, error)
	// reveal opens the vouchers of entries that find returned.
	reveal(ctx context.Context, entries []*entry) error
}

// querier is a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// entry is one row of a book.
type entry struct {
	key      string
	id       int64
	memberID string
	amount   int64
	grant    bool // a grant, not another movement under the same key
	sealed   *sealedVoucher
	voucher  *Voucher
}

// isFor says whether e is what i asks for: member, amount and operation.
func (e *entry) isFor(i *Item) bool {
	return e.grant && e.memberID == i.MemberID && e.amount == i.Amount
}

// collisions is how often a batch is written anew because one of its voucher codes exists already: with 80 random bits
// the first time is a curiosity, the fifth a broken source of randomness.
const collisions = 5

// errSlowWay sends a batch from the fast way to the slow one; nothing of it was kept.
var errSlowWay = errors.New("batch needs the slow way")

func (l *Ledger) grant(ctx context.Context, b book, deadline time.Time, items []Item) ([]Answer, error) {
	if len(items) == 0 {
		return []Answer{}, nil
	}
	answers, err := l.grantNew(ctx, b, deadline, items)
	if errors.Is(err, errSlowWay) || pg.Code(err) == uniqueViolation {
		l.Log.DebugContext(ctx, "batch goes the slow way", obs.Count, len(items), obs.Cause, err)
		answers, err = l.grantLooking(ctx, b, deadline, items)
	}
	if pg.Code(err) == idleTooLong {
		err = ErrDeadline
	}
	if err != nil {
		return nil, fmt.Errorf("grant %d items: %w", len(items), err)
	}
	return answers, nil
}

// SQLSTATEs.
const (
	uniqueViolation = "23505"
	idleTooLong     = "25P03" // the session was ended, and its transaction with it
)

// grantNew is the fast way, for a batch in which everything is as it should be and no key is taken. Otherwise it keeps
// nothing and returns errSlowWay or a unique violation.
func (l *Ledger) grantNew(ctx context.Context, b book, deadline time.Time, items []Item) ([]Answer, error) {
	sorted := inKeyOrder(items)
	for i := range sorted {
		if i > 0 && sorted[i-1].Key == sorted[i].Key || !plain(&sorted[i], b.kind()) || check(&sorted[i], b.kind(), l.Location).code != "" {
			return nil, errSlowWay
		}
	}
	entries, err := pg.Value(ctx, l.Pool, func(tx pgx.Tx) ([]entry, error) {
		entries, err := b.insert(ctx, tx, sorted, false)
		if err != nil {
			return nil, err
		}
		now, err := endBefore(ctx, tx, deadline)
		if err == nil && slices.ContainsFunc(sorted, func(i Item) bool { return expired(&i, now) }) {
			err = errSlowWay
		}
		return entries, err
	})
	if err != nil {
		return nil, err
	}
	return inOrderOf(items, granted(b.kind(), entries)), nil
}

// plain reports whether i can be written without a look at anything: it has no policy, and its key, if it is of a voucher, can
// stand in no other table, as that of a campaign's grant.
func plain(i *Item, k Kind) bool {
	return i.Policy == "" && (k == Points || strings.HasPrefix(i.Key, campaignKeys))
}

func granted(k Kind, entries []entry) []Answer {
	answers := make([]Answer, len(entries))
	for n := range entries {
		answers[n] = newAnswer(k, Granted, &entries[n])
	}
	return answers
}

// inOrderOf puts answers, one for each of items, into their order.
func inOrderOf(items []Item, answers []Answer) []Answer {
	inOrder := true
	for n := range items {
		inOrder = inOrder && items[n].Key == answers[n].Key
	}
	if inOrder {
		return answers
	}
	byKey := make(map[string]Answer, len(answers))
	for _, a := range answers {
		byKey[a.Key] = a
	}
	for n := range items {
		answers[n] = byKey[items[n].Key]
	}
	return answers
}

// inKeyOrder returns items in the order of their keys, in which every batch writes, so that two batches with the same
// keys never wait for each other in a circle. Batches of one campaign and partition come in that order already.
func inKeyOrder(items []Item) []Item {
	byKey := func(a, b Item) int { return strings.Compare(a.Key, b.Key) }
	if slices.IsSortedFunc(items, byKey) {
		return items
	}
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, byKey)
	return sorted
}

// endBefore is the last statement of a transaction that may only commit before deadline; it returns the time at which
// the transaction began. A process that is held up between this statement and COMMIT finds its session ended: from here
// on PostgreSQL waits for the next statement no longer than until deadline. Error: ErrDeadline.
func endBefore(ctx context.Context, tx pgx.Tx, deadline time.Time) (now time.Time, err error) {
	const query = `SELECT now(), clock_timestamp() < $1, set_config('idle_in_transaction_session_timeout', least(greatest(
		floor(extract(epoch FROM $1::timestamptz - clock_timestamp()) * 1000), 1), 2147483647)::int::text, true)`
	var inTime bool
	if err := tx.QueryRow(ctx, query, deadline).Scan(&now, &inTime, nil); err != nil {
		return now, fmt.Errorf("check deadline: %w", err)
	}
	if !inTime {
		return now, ErrDeadline
	}
	if err := failpoint.Hit(ctx, failpoint.MoneyBeforeCommit); err != nil {
		return now, err
	}
	return now, nil
}

func newAnswer(k Kind, o Outcome, e *entry) Answer {
	return Answer{Key: e.key, Outcome: o, TxID: k.txID(e.id), MemberID: e.memberID, Amount: e.amount, Voucher: e.voucher}
}
