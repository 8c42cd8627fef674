package money

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// saveCancels is a batch of save-cancels at work: what it has found and decided so far.
type saveCancels struct {
	ledger   *Ledger
	families map[saveID]*family
	owed     map[string]*int64
	drafts   []*draft
}

// saveCancel is what stands under the key of a save-cancel.
type saveCancel struct {
	entry *movement // what stood there before; nil for what the batch writes
	draft *draft
}

func (l *Ledger) cancelSaves(ctx context.Context, tx pgx.Tx, cancels []Cancel) ([]CancelAnswer, error) {
	b := &saveCancels{ledger: l, owed: map[string]*int64{}}
	all, err := undoAll(ctx, tx, b, func(c *Cancel) string { return c.Key }, cancels)
	if err != nil {
		return nil, err
	}
	answers := make([]CancelAnswer, len(all))
	for n := range all {
		a := &all[n]
		answers[n] = CancelAnswer{Key: a.key, Outcome: a.outcome, Refusal: a.refusal}
		switch {
		case a.refusal != nil:
		case a.stands.entry != nil:
			if answers[n].Cancelled, err = replayCancel(ctx, tx, a.stands.entry); err != nil {
				return nil, err
			}
		default:
			answers[n].Cancelled = a.stands.draft.cancelled()
			answers[n].Replayed = a.outcome == Replayed
		}
	}
	return answers, nil
}

func (b *saveCancels) prepare(c *Cancel) (target int64, err error) { return c.prepare() }

// open locks the members of the cancels, and reads their keys and their saves.
func (b *saveCancels) open(ctx context.Context, tx pgx.Tx, cancels []*Cancel, targets []int64) (map[string]saveCancel, error) {
	keys, members := make([]string, len(cancels)), make([]string, len(cancels))
	for n, c := range cancels {
		keys[n], members[n] = c.Key, c.MemberID
	}
	locked := slices.Clone(members)
	slices.Sort(locked)
	owed, err := lockAccounts(ctx, tx, slices.Compact(locked))
	if err != nil {
		return nil, err
	}
	for member, debt := range owed {
		b.owed[member] = &debt
	}
	entries, err := findMovements(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	standing := make(map[string]saveCancel, len(cancels))
	for key, m := range entries {
		standing[key] = saveCancel{entry: m}
	}
	b.families, err = selectFamilies(ctx, tx, members, targets)
	return standing, err
}

func (b *saveCancels) isOf(c *Cancel, target int64, stands saveCancel) bool {
	if d := stands.draft; d != nil {
		stands.entry = &movement{key: d.key, member: d.member, status: d.status, point: d.point, undo: d.undo, memo: d.memo, cancel: d.cancel}
	}
	return c.isOf(stands.entry, target)
}

func (b *saveCancels) decide(c *Cancel, target int64) (saveCancel, error) {
	d, err := c.ofSave(b.families[saveID{c.MemberID, target}], b.owed[c.MemberID])
	if err != nil {
		return saveCancel{}, err
	}
	b.drafts = append(b.drafts, d)
	return saveCancel{draft: d}, nil
}

func (b *saveCancels) write(ctx context.Context, tx pgx.Tx) error {
	return b.ledger.write(ctx, tx, b.drafts...)
}
