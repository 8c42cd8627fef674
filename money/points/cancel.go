package points

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bestow/internal/english"
	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// Cancel undoes a use or a save of the member. Errors: a *Refusal (UnknownMovement, NotCancellable, OverCancelled,
// NothingToCancel, SavePartlyUsed, KeyConflict, or the code of a field), ErrDeadline, ErrBusy; after any other it is
// unknown whether it was applied: ask again with the same key.
func (l *Lots) Cancel(ctx context.Context, deadline time.Time, c money.Cancel) (money.Cancelled, error) {
	done, err := frame.Run(ctx, l.pool, deadline, func(tx pgx.Tx) (money.Cancelled, bool, error) {
		done, err := l.cancel(ctx, tx, &c)
		return done, !done.Replayed, err
	})
	if err != nil {
		return money.Cancelled{}, fmt.Errorf("cancel movement: %w", err)
	}
	return done, nil
}

func (l *Lots) cancel(ctx context.Context, tx pgx.Tx, c *money.Cancel) (money.Cancelled, error) {
	target, err := targetOf(c)
	if err != nil {
		return money.Cancelled{}, err
	}
	var found *movement
	opened, err := open(ctx, tx, c.MemberID, c.Key, func(batch *pgx.Batch) {
		batch.Queue(targetSQL, c.MemberID, target).Query(func(rows pgx.Rows) error {
			list, err := collectMovements(rows)
			for _, m := range list {
				found = m
			}
			return err
		})
	})
	if err != nil {
		return money.Cancelled{}, err
	}
	if opened.entry != nil {
		if !opened.entry.isOf(c, target) {
			return money.Cancelled{}, money.ErrKeyTaken
		}
		return replayCancel(ctx, tx, opened.entry)
	}
	switch {
	case found == nil:
		return money.Cancelled{}, unknownMovement()
	case found.status == statusUse:
		return l.cancelUse(ctx, tx, c, found)
	case found.status == statusSave:
		return l.cancelSave(ctx, tx, c, target, opened.owed)
	}
	return money.Cancelled{}, notCancellable(found)
}

func unknownMovement() *money.Refusal {
	return money.NewRefusal(money.UnknownMovement,
		"the member has no such movement: take its id from the member's history")
}

// notCancellable says why m, which is no use and no save, or a save that a use-cancel made, is not undone.
func notCancellable(m *movement) *money.Refusal {
	if of, ok := strings.CutPrefix(m.memo, memoOf); ok && m.status == statusSave {
		return money.NewRefusal(money.NotCancellable,
			"these points were given back by a cancelled use: cancel the save P%s, from which they come", of)
	}
	return money.NewRefusal(money.NotCancellable,
		"only a use or a save can be cancelled, and this is a movement of kind %s", m.status.kind())
}

// memoOfCancel keeps what c says and no column does.
func memoOfCancel(c *money.Cancel, status status) string {
	var words []string
	if c.Amount == 0 {
		words = append(words, memoRest)
	}
	if status == statusUseCancel && c.OnExpiredLot == money.ExpireOnce {
		words = append(words, memoExpire)
	}
	return strings.Join(words, " ")
}

// amountOfLeft returns how much c cancels of a movement of which left can still be cancelled, or why it cannot. kind is
// the movement's word for people.
func amountOfLeft(c *money.Cancel, kind string, left int64) (int64, error) {
	switch {
	case c.Amount > left:
		r := money.NewRefusal(money.OverCancelled, "of this %s %s can still be cancelled: fewer than the %s asked for",
			kind, english.Count(left, "point"), english.Number(c.Amount))
		r.Left = left
		return 0, r
	case left == 0:
		return 0, money.NewRefusal(money.NothingToCancel, "all of this %s has been cancelled already", kind)
	case c.Amount == 0:
		return left, nil
	}
	return c.Amount, nil
}

// isOf reports whether m is the movement that c asks for.
func (m *movement) isOf(c *money.Cancel, target int64) bool {
	if m.member != c.MemberID || m.undo != target || m.has(memoRest) != (c.Amount == 0) {
		return false
	}
	switch {
	case m.status == statusUseCancel:
		return (c.Amount == 0 || c.Amount == m.point) && m.has(memoExpire) == (c.OnExpiredLot == money.ExpireOnce)
	case m.cancel != nil:
		return (c.Amount == 0 || c.Amount == m.cancel.asked) && m.cancel.policy == c.OnUsed
	}
	return false
}

// replayCancel answers what stands under the key.
func replayCancel(ctx context.Context, q pg.Querier, m *movement) (money.Cancelled, error) {
	done := cancelled(m.id, m.status, m.point, m.cancel)
	done.Replayed = true
	lots, err := selectParts(ctx, q, m.member, m.id)
	done.Lots = lots
	return done, err
}

// cancelled is the answer to a cancel that stands under id.
func cancelled(id int64, status status, point int64, c *cancelRow) money.Cancelled {
	done := money.Cancelled{TxID: money.Points.TxID(id), Kind: status.kind(), Cancelled: max(point, -point)}
	if c != nil {
		done.Expired, done.Uncollected = c.expired, c.uncollected
	}
	return done
}

// targetOf fills in what c leaves open, and returns the id of what is to be undone, or why c can never be.
func targetOf(c *money.Cancel) (target int64, err error) {
	if r := c.Check(); r != nil {
		return 0, r
	}
	kind, target, err := money.ParseTxID(c.TxID)
	if err != nil || kind != money.Points {
		return 0, unknownMovement()
	}
	return target, nil
}
