package points

import (
	"context"
	"slices"

	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// saveCancels is a batch of save-cancels at work: what it has found and decided so far.
type saveCancels struct {
	lots     *Lots
	families map[saveID]*family
	owed     map[string]*int64
	drafts   []*draft
}

// saveCancel holds what stands under the key of a save-cancel.
type saveCancel struct {
	entry *movement // what stood there before; nil for what the batch writes
	draft *draft
}

func (l *Lots) cancelSaves(ctx context.Context, tx pgx.Tx, cancels []money.Cancel) ([]money.CancelAnswer, error) {
	b := &saveCancels{lots: l, owed: map[string]*int64{}}
	all, err := frame.UndoAll(ctx, tx, b, func(c *money.Cancel) string { return c.Key }, cancels)
	if err != nil {
		return nil, err
	}
	answers := make([]money.CancelAnswer, len(all))
	for n := range all {
		a := &all[n]
		answers[n] = money.CancelAnswer{Key: a.Key, Outcome: a.Outcome, Refusal: a.Refusal}
		switch {
		case a.Refusal != nil:
		case a.Stands.entry != nil:
			if answers[n].Cancelled, err = replayCancel(ctx, tx, a.Stands.entry); err != nil {
				return nil, err
			}
		default:
			answers[n].Cancelled = a.Stands.draft.cancelled()
			answers[n].Replayed = a.Outcome == money.Replayed
		}
	}
	return answers, nil
}

func (b *saveCancels) Prepare(c *money.Cancel) (target int64, err error) { return targetOf(c) }

// Open locks the members of the cancels, and reads their keys and their saves.
func (b *saveCancels) Open(ctx context.Context, tx pgx.Tx, cancels []*money.Cancel,
	targets []int64,
) (map[string]saveCancel, error) {
	keys, members := make([]string, len(cancels)), make([]string, len(cancels))
	for n, c := range cancels {
		keys[n], members[n] = c.Key, c.MemberID
	}
	locked := slices.Clone(members)
	slices.Sort(locked)
	owed, err := frame.LockAccounts(ctx, tx, slices.Compact(locked))
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

func (b *saveCancels) IsOf(c *money.Cancel, target int64, stands saveCancel) bool {
	if d := stands.draft; d != nil {
		stands.entry = &movement{
			key: d.key, member: d.member, status: d.status, point: d.point, undo: d.undo,
			memo: d.memo, cancel: d.cancel,
		}
	}
	return stands.entry.isOf(c, target)
}

func (b *saveCancels) Decide(c *money.Cancel, target int64) (saveCancel, error) {
	d, err := b.families[saveID{c.MemberID, target}].cancel(c, b.owed[c.MemberID])
	if err != nil {
		return saveCancel{}, err
	}
	b.drafts = append(b.drafts, d)
	return saveCancel{draft: d}, nil
}

func (b *saveCancels) Write(ctx context.Context, tx pgx.Tx) error {
	return b.lots.write(ctx, tx, b.drafts...)
}
