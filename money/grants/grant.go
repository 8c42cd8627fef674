package grants

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
	"bestow/money"
	"bestow/money/frame"
	"bestow/money/policies"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5"
)

// GrantPoints saves one lot for each item and answers in the order asked. Nothing is applied after deadline, and a
// replay needs none. Errors: ErrDeadline, ErrTooMany; after any other it is unknown what was applied.
func (g *Granter) GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	if err := sized(len(items)); err != nil {
		return nil, err
	}
	answers, err := g.grant(ctx, pointBook{g.location}, deadline, items)
	if err != nil {
		return nil, err
	}
	return answers, failpoint.Hit(ctx, failpoint.MoneyPointsCommitted)
}

// GrantVouchers issues one voucher for each item and answers in the order asked, with code and PIN: of a Replayed one
// those that it got the first time. Nothing is applied after deadline, and a replay needs none. Errors: ErrNoMaster,
// ErrDeadline, ErrTooMany; after any other it is unknown what was applied.
func (g *Granter) GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	if err := sized(len(items)); err != nil {
		return nil, err
	}
	keys, err := g.keeper.Keys(ctx, refsOf(items))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pg.ErrNotBegun, err)
	}
	answers, err := g.grant(ctx, voucherBook{g.keeper, keys}, deadline, items)
	if err != nil {
		return nil, err
	}
	return answers, failpoint.Hit(ctx, failpoint.MoneyVouchersCommitted)
}

func sized(n int) error {
	if n > money.MaxItems {
		return fmt.Errorf("%w: %d, and %d is the most", money.ErrTooMany, n, money.MaxItems)
	}
	return nil
}

// book says where grants of one kind are written, each row with its idempotency key.
type book interface {
	kind() money.Kind
	// insert writes items, one at least, in the order of their keys and each key once, and returns their entries. With
	// known, an item whose key is taken is not written, and its entry has no id; without it, it is a unique violation.
	insert(ctx context.Context, tx pgx.Tx, items []money.Item, known *policies.Terms) ([]entry, error)
	// find returns what stands under keys, by key.
	find(ctx context.Context, q pg.Querier, keys []string) (map[string]entry, error)
	// reveal opens the vouchers of entries that find returned.
	reveal(ctx context.Context, entries []*entry) error
}

// entry is one row of a book.
type entry struct {
	key      string
	id       int64
	memberID string
	amount   int64
	grant    bool // a grant, not another movement under the same key
	sealed   *vouchers.Sealed
	voucher  *money.Voucher
}

// isFor reports whether e is the movement that i asks for: by member, amount and operation.
func (e *entry) isFor(i *money.Item) bool {
	return e.grant && e.memberID == i.MemberID && e.amount == i.Amount
}

// collisions says how often a batch is written anew because one of its voucher codes exists already: with 80 random
// bits the first time is a curiosity, the fifth a broken source of randomness.
const collisions = 5

// errSlowWay sends a batch from the fast way to the slow one; nothing of it was kept.
var errSlowWay = errors.New("batch needs the slow way")

func (g *Granter) grant(ctx context.Context, b book, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	if len(items) == 0 {
		return []money.Answer{}, nil
	}
	answers, err := g.grantNew(ctx, b, deadline, items)
	if errors.Is(err, errSlowWay) || pg.Code(err) == pg.UniqueViolation {
		g.log.DebugContext(ctx, "batch goes the slow way", obs.Count, len(items), obs.Cause, err)
		answers, err = g.grantLooking(ctx, b, deadline, items)
	}
	if err = frame.AfterEnd(err); err != nil {
		return nil, fmt.Errorf("grant %d items: %w", len(items), err)
	}
	return answers, nil
}

// grantNew is the fast way, for a batch in which everything is as it should be and no key is taken. Otherwise it keeps
// nothing and returns errSlowWay or a unique violation.
func (g *Granter) grantNew(ctx context.Context, b book, deadline time.Time,
	items []money.Item,
) ([]money.Answer, error) {
	sorted := inKeyOrder(items)
	for i := range sorted {
		if i > 0 && sorted[i-1].Key == sorted[i].Key || !plain(&sorted[i], b.kind()) ||
			sorted[i].Check(b.kind(), g.location) != nil {
			return nil, errSlowWay
		}
	}
	entries, err := pg.Value(ctx, g.pool, func(tx pgx.Tx) ([]entry, error) {
		entries, err := b.insert(ctx, tx, sorted, nil)
		if err != nil {
			return nil, err
		}
		now, err := frame.EndBefore(ctx, tx, deadline)
		if err == nil && slices.ContainsFunc(sorted, func(i money.Item) bool { return i.Expired(now) }) {
			err = errSlowWay
		}
		return entries, err
	})
	if err != nil {
		return nil, err
	}
	return inOrderOf(items, granted(b.kind(), entries)), nil
}

// plain reports whether i can be written without a look at anything: it has no policy, and its key, if it is of a
// voucher, can stand in no other table, as that of a campaign's grant.
func plain(i *money.Item, k money.Kind) bool {
	return i.Policy == "" && (k == money.Points || strings.HasPrefix(i.Key, money.CampaignKeys))
}

func granted(k money.Kind, entries []entry) []money.Answer {
	answers := make([]money.Answer, len(entries))
	for n := range entries {
		answers[n] = newAnswer(k, money.Granted, &entries[n])
	}
	return answers
}

// inOrderOf puts answers, one for each of items, into their order.
func inOrderOf(items []money.Item, answers []money.Answer) []money.Answer {
	inOrder := true
	for n := range items {
		inOrder = inOrder && items[n].Key == answers[n].Key
	}
	if inOrder {
		return answers
	}
	byKey := make(map[string]money.Answer, len(answers))
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
func inKeyOrder(items []money.Item) []money.Item {
	byKey := func(a, b money.Item) int { return strings.Compare(a.Key, b.Key) }
	if slices.IsSortedFunc(items, byKey) {
		return items
	}
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, byKey)
	return sorted
}

func newAnswer(k money.Kind, o money.Outcome, e *entry) money.Answer {
	return money.Answer{
		Key: e.key, Outcome: o, TxID: k.TxID(e.id), MemberID: e.memberID, Amount: e.amount,
		Voucher: e.voucher,
	}
}

// Check returns why the ledger would refuse i at now, by its code and message; both are empty if it would not. It looks
// at nothing that is stored: a grant that was applied is replayed even if Check refuses it now.
func (g *Granter) Check(k money.Kind, i money.Item, now time.Time) (code, message string) {
	if r := i.CheckAt(k, g.location, now); r != nil {
		return r.Code, r.Message
	}
	return "", ""
}
