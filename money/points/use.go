package points

import (
	"context"
	"fmt"
	"time"

	"bestow/internal/english"
	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// Use takes points from the member's lots in the order of SpendOrder. Nothing is applied after deadline, and a replay
// needs none. Errors: a *Refusal (InsufficientBalance, KeyConflict, or the code of a field), ErrDeadline, ErrBusy;
// after any other it is unknown whether it was applied: ask again with the same key.
func (l *Lots) Use(ctx context.Context, deadline time.Time, s money.Spending) (money.Moved, error) {
	moved, err := frame.Run(ctx, l.pool, deadline, func(tx pgx.Tx) (money.Moved, bool, error) {
		m, err := l.use(ctx, tx, &s)
		return m, !m.Replayed, err
	})
	if err != nil {
		return money.Moved{}, fmt.Errorf("use points: %w", err)
	}
	return moved, nil
}

func (l *Lots) use(ctx context.Context, tx pgx.Tx, s *money.Spending) (money.Moved, error) {
	if err := s.Check().Err(); err != nil {
		return money.Moved{}, err
	}
	purse := l.newPurse(s.MemberID)
	opened, err := open(ctx, tx, s.MemberID, s.Key, func(batch *pgx.Batch) {
		purse.restart()
		purse.queue(batch)
	})
	if err != nil {
		return money.Moved{}, err
	}
	if old := opened.entry; old != nil {
		return replayUse(ctx, tx, old, s)
	}
	if err := purse.readUntil(ctx, tx, saturating(opened.owed, s.Amount)); err != nil {
		return money.Moved{}, err
	}
	if balance := purse.sum - opened.owed; balance < s.Amount {
		r := money.NewRefusal(money.InsufficientBalance, "the member can spend %s: fewer than the %s asked for",
			english.Count(balance, "point"), english.Number(s.Amount))
		r.Left = balance
		return money.Moved{}, r
	}
	if err := l.collect(ctx, tx, purse, opened.owed); err != nil {
		return money.Moved{}, err
	}
	d := draft{
		member: s.MemberID, status: statusUse, point: -s.Amount, key: s.Key, reason: s.Reason,
		typeCode: s.TypeCode, ref: s.Ref,
	}
	d.parts, d.changes = purse.take(s.Amount)
	if err := l.write(ctx, tx, &d); err != nil {
		return money.Moved{}, err
	}
	return money.Moved{TxID: money.Points.TxID(d.id), Amount: s.Amount, Lots: partsOf(d.parts)}, nil
}

func partsOf(parts []part) []money.Part {
	list := make([]money.Part, len(parts))
	for n, p := range parts {
		list[n] = money.Part{SaveID: money.Points.TxID(p.lot), Amount: p.point}
	}
	return list
}

// replayUse answers what stands under the key, if it is the same use.
func replayUse(ctx context.Context, tx pgx.Tx, old *movement, s *money.Spending) (money.Moved, error) {
	if old.status != statusUse || old.member != s.MemberID || old.point != -s.Amount {
		return money.Moved{}, money.ErrKeyTaken
	}
	lots, err := selectParts(ctx, tx, old.member, old.id)
	return money.Moved{TxID: money.Points.TxID(old.id), Replayed: true, Amount: s.Amount, Lots: lots}, err
}
