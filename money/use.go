package money

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// Spending is points that a member is to use.
type Spending struct {
	Key      string // the idempotency key: 1 to 200 characters
	MemberID string // 1 to 50 characters
	Amount   int64  // 1 to MaxAmount
	TypeCode string // what the points are used for: 1 to 10 characters
	Ref      string // the causing record, such as an order: 1 to 100 characters
	Reason   string // at most 500 characters; "" for none
}

// Use takes points from the member's lots in the order of SpendOrder. Nothing is applied after deadline, and a replay
// needs none. Errors: a *Refusal (InsufficientBalance, KeyConflict, or the code of a field), ErrDeadline, ErrBusy; after any
// other it is unknown whether it was applied: ask again with the same key.
func (l *Ledger) Use(ctx context.Context, deadline time.Time, s Spending) (Moved, error) {
	moved, err := inFrame(ctx, l, deadline, func(tx pgx.Tx) (Moved, bool, error) {
		m, err := l.use(ctx, tx, &s)
		return m, !m.Replayed, err
	})
	if err != nil {
		return Moved{}, fmt.Errorf("use points: %w", err)
	}
	return moved, nil
}

// check returns why s can never be.
func (s *Spending) check() refusal {
	if r := checkMovement(s.Key, s.MemberID, s.Reason); r.code != "" {
		return r
	}
	if !usableAmount(s.Amount) {
		return badAmount
	}
	return checkCause(s.TypeCode, s.Ref)
}

// checkCause returns why a movement that a person or a shop asks for cannot have this cause: it has to say one.
func checkCause(typeCode, ref string) refusal {
	if !name(typeCode, maxTypeCode) {
		return refusal{BadTypeCode, "the type code cannot be used: " + usable + "10 characters"}
	}
	return checkRef(ref)
}

func checkRef(ref string) refusal {
	if !text(ref, maxRef) || strings.TrimSpace(ref) == "" {
		return refusal{BadRef, "the ref is missing or cannot be stored: it must be text of 1 to 100 characters"}
	}
	return refusal{}
}

func (l *Ledger) use(ctx context.Context, tx pgx.Tx, s *Spending) (Moved, error) {
	if err := s.check().refused(); err != nil {
		return Moved{}, err
	}
	purse := l.newPurse(s.MemberID)
	opened, err := open(ctx, tx, s.MemberID, s.Key, func(batch *pgx.Batch) {
		purse.restart()
		purse.queue(batch)
	})
	if err != nil {
		return Moved{}, err
	}
	if old := opened.entry; old != nil {
		return replayUse(ctx, tx, old, s)
	}
	if err := purse.readUntil(ctx, tx, saturating(opened.owed, s.Amount)); err != nil {
		return Moved{}, err
	}
	if balance := purse.sum - opened.owed; balance < s.Amount {
		r := refusedAs(InsufficientBalance, "the member can spend %s: fewer than the %s asked for", english.Count(balance, "point"), english.Number(s.Amount))
		r.Left = balance
		return Moved{}, r
	}
	if err := l.collect(ctx, tx, purse, opened.owed); err != nil {
		return Moved{}, err
	}
	d := draft{member: s.MemberID, status: statusUse, point: -s.Amount, key: s.Key, reason: s.Reason, typeCode: s.TypeCode, ref: s.Ref}
	d.parts, d.changes = purse.take(s.Amount)
	if err := l.write(ctx, tx, &d); err != nil {
		return Moved{}, err
	}
	return Moved{TxID: Points.txID(d.id), Amount: s.Amount, Lots: partsOf(d.parts)}, nil
}

func partsOf(parts []part) []Part {
	list := make([]Part, len(parts))
	for n, p := range parts {
		list[n] = Part{Points.txID(p.lot), p.point}
	}
	return list
}

// replayUse answers what stands under the key, if it is the same use.
func replayUse(ctx context.Context, tx pgx.Tx, old *movement, s *Spending) (Moved, error) {
	if old.status != statusUse || old.member != s.MemberID || old.point != -s.Amount {
		return Moved{}, conflicting()
	}
	lots, err := selectParts(ctx, tx, old.member, old.id)
	return Moved{TxID: Points.txID(old.id), Replayed: true, Amount: s.Amount, Lots: lots}, err
}
