package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/frame"
	"bestow/money/policies"

	"github.com/jackc/pgx/v5"
)

// looked holds what the slow way learnt of a batch.
type looked struct {
	now     time.Time
	entries map[string]entry       // what stands in the book after it, by key
	first   map[string]int         // which item of the batch wrote it; absent: it stood there before
	refused map[int]*money.Refusal // why an item was not chosen
	terms   policies.Terms
}

// grantLooking is the slow way: it reads what is there, writes what is missing, and leaves to a concurrent batch what
// that one was first to write. It comes to an end in one transaction, however many others grant the same keys, unless
// a voucher's code exists already.
func (g *Granter) grantLooking(ctx context.Context, b book, deadline time.Time,
	items []money.Item,
) ([]money.Answer, error) {
	var seen looked
	var err error
	for range collisions {
		seen, err = pg.Value(ctx, g.pool, func(tx pgx.Tx) (looked, error) {
			seen, err := g.writeMissing(ctx, tx, b, items)
			if err == nil && len(seen.first) > 0 { // where all keys stand or are refused, no deadline concerns it
				_, err = frame.EndBefore(ctx, tx, deadline)
			}
			return seen, err
		})
		if !pg.Violates(err, voucherCodeKey) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	answers, err := g.judge(ctx, b, items, seen)
	if err != nil && len(seen.first) > 0 {
		// What was written is committed: err must not be found to be one of those that say that nothing was applied.
		return nil, fmt.Errorf("answer after the commit: %v", err) //nolint:errorlint // so it is not wrapped
	}
	return answers, err
}

// writeMissing needs READ COMMITTED: what insert skips was committed after the first look, and the second one sees it.
func (g *Granter) writeMissing(ctx context.Context, tx pgx.Tx, b book, items []money.Item) (seen looked, err error) {
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&seen.now); err != nil {
		return seen, fmt.Errorf("read time: %w", err)
	}
	if seen.terms, err = policies.Read(ctx, tx, items); err != nil {
		return seen, err
	}
	keys := usableKeys(items)
	if b.kind() == money.Vouchers {
		if err := frame.LockVoucherKeys(ctx, tx, keys); err != nil {
			return seen, err
		}
	}
	if seen.entries, err = b.find(ctx, tx, keys); err != nil {
		return seen, err
	}
	if err := failpoint.Hit(ctx, failpoint.MoneyLooked); err != nil {
		return seen, err
	}
	missing := g.choose(b.kind(), items, &seen)
	if len(missing) == 0 {
		return seen, nil
	}
	written, err := b.insert(ctx, tx, missing, &seen.terms)
	if err != nil {
		return seen, err
	}
	var skipped []string
	for n, e := range written {
		if e.id == 0 {
			skipped = append(skipped, missing[n].Key)
			delete(seen.first, missing[n].Key)
			continue
		}
		seen.entries[e.key] = e
	}
	return seen, seen.add(ctx, tx, b, skipped)
}

// add looks again, for keys that a concurrent batch has taken since the first look.
func (s *looked) add(ctx context.Context, tx pgx.Tx, b book, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	found, err := b.find(ctx, tx, keys)
	if err != nil {
		return err
	}
	if len(found) != len(keys) {
		return errors.New("read entries: a taken key is not there")
	}
	for key, e := range found {
		s.entries[key] = e
	}
	return nil
}

// choose returns the items to be written, in the order of their keys: of each key that is not there yet the first item
// that can be granted. It notes them in seen.first, and why others cannot be in seen.refused.
func (g *Granter) choose(k money.Kind, items []money.Item, seen *looked) []money.Item {
	seen.first, seen.refused = map[string]int{}, map[int]*money.Refusal{}
	var missing []money.Item
	for n := range items {
		_, there := seen.entries[items[n].Key]
		_, taken := seen.first[items[n].Key]
		if there || taken {
			continue
		}
		i, why := seen.terms.Resolve(&items[n], seen.now, g.location)
		if why == nil {
			why = i.CheckAt(k, g.location, seen.now)
		}
		if why == nil {
			why = seen.terms.Refuse(&i)
		}
		if why != nil {
			seen.refused[n] = why
			continue
		}
		seen.first[i.Key] = n
		missing = append(missing, i)
	}
	return inKeyOrder(missing)
}

// judge answers each item as if they had been asked one after another.
func (g *Granter) judge(ctx context.Context, b book, items []money.Item, seen looked) ([]money.Answer, error) {
	answers := make([]money.Answer, len(items))
	var replayed []*entry
	var at []int
	for n := range items {
		i := &items[n]
		e, there := seen.entries[i.Key]
		first, ours := seen.first[i.Key]
		switch {
		case !there || ours && n < first:
			answers[n] = refuse(i, seen.refused[n])
		case ours && n == first:
			answers[n] = newAnswer(b.kind(), money.Granted, &e)
		case e.isFor(i):
			answers[n] = newAnswer(b.kind(), money.Replayed, &e)
			replayed, at = append(replayed, &e), append(at, n)
		default:
			answers[n] = conflict(i)
		}
	}
	if err := b.reveal(ctx, replayed); err != nil {
		return nil, err
	}
	for n, e := range replayed {
		answers[at[n]].Voucher = e.voucher
	}
	return answers, nil
}

func refuse(i *money.Item, r *money.Refusal) money.Answer {
	return money.Answer{
		Key: i.Key, Outcome: money.Refused, MemberID: i.MemberID, Amount: i.Amount, Code: r.Code,
		Message: r.Message,
	}
}

// conflict says nothing of what the key stands for: it may be another member's.
func conflict(i *money.Item) money.Answer {
	return money.Answer{
		Key: i.Key, Outcome: money.Conflict, MemberID: i.MemberID, Amount: i.Amount,
		Code: money.KeyConflict, Message: money.ErrKeyTaken.Message,
	}
}

// usableKeys returns the keys that may be looked for, each once.
func usableKeys(items []money.Item) []string {
	keys := make([]string, 0, len(items))
	seen := make(map[string]bool, len(items))
	for n := range items {
		if key := items[n].Key; money.UsableKey(key) && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}
