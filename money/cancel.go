package money

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// MaxCancels is the most cancels of one call.
const MaxCancels = 1000

// OnExpiredLot says what becomes of points that a use-cancel gives back to a lot that has expired.
type OnExpiredLot string

// The ways of OnExpiredLot; "" is Regrant.
const (
	Regrant    OnExpiredLot = "regrant" // they are saved anew, valid for the policy's regrant days
	ExpireOnce OnExpiredLot = "expire"  // they expire at once
)

// OnUsed says what becomes of the points of a cancelled save that the member has spent.
type OnUsed string

// The ways of OnUsed; "" is CancelRemaining.
const (
	RefuseUsed      OnUsed = "refuse"    // the cancel is refused
	CancelRemaining OnUsed = "remaining" // what is left is cancelled, and the rest as orders that spent it are cancelled
	OweUsed         OnUsed = "debt"      // the same, and the member owes the rest at once
)

// Cancel asks for a use or a save to be undone, in whole or in part.
type Cancel struct {
	Key          string // the idempotency key: 1 to 200 characters
	MemberID     string
	TxID         string       // of the use or the save
	Amount       int64        // 1 to MaxAmount; 0 for all that can still be cancelled
	OnExpiredLot OnExpiredLot // counts if a use is cancelled
	OnUsed       OnUsed       // counts if a save is cancelled
	Reason       string       // at most 500 characters; "" for none
}

// Cancelled is the answer to a cancel.
type Cancelled struct {
	TxID        string
	Kind        MovementKind // KindUseCancel or KindSaveCancel
	Replayed    bool         // the key stood in the ledger with the same content
	Cancelled   int64        // given back to the member, or taken from the member
	Expired     int64        // of a save: had expired before
	Uncollected int64        // of a save: spent before
	Lots        []Part
}

// CancelAnswer is what came of one cancel of a batch.
type CancelAnswer struct {
	Key     string
	Outcome Outcome // Undone, Replayed, Refused or Conflict
	Cancelled
	Refusal *Refusal // of Refused or Conflict
}

// Cancel undoes a use or a save of the member. Errors: a *Refusal (UnknownMovement, NotCancellable, OverCancelled,
// NothingToCancel, SavePartlyUsed, KeyConflict, or the code of a field), ErrDeadline, ErrBusy; after any other it is unknown
// whether it was applied: ask again with the same key.
func (l *Ledger) Cancel(ctx context.Context, deadline time.Time, c Cancel) (Cancelled, error) {
	done, err := inFrame(ctx, l, deadline, func(tx pgx.Tx) (Cancelled, bool, error) {
		done, err := l.cancel(ctx, tx, &c)
		return done, !done.Replayed, err
	})
	if err != nil {
		return Cancelled{}, fmt.Errorf("cancel movement: %w", err)
	}
	return done, nil
}

func (l *Ledger) cancel(ctx context.Context, tx pgx.Tx, c *Cancel) (Cancelled, error) {
	target, err := c.prepare()
	if err != nil {
		return Cancelled{}, err
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
		return Cancelled{}, err
	}
	if opened.entry != nil {
		if !c.isOf(opened.entry, target) {
			return Cancelled{}, conflicting()
		}
		return replayCancel(ctx, tx, opened.entry)
	}
	switch {
	case found == nil:
		return Cancelled{}, unknownMovement()
	case found.status == statusUse:
		return l.cancelUse(ctx, tx, c, found)
	case found.status == statusSave:
		return l.cancelSave(ctx, tx, c, target, opened.owed)
	}
	return Cancelled{}, notCancellable(found)
}

// prepare fills in what c leaves open, and returns the id of what is to be undone, or why c can never be.
func (c *Cancel) prepare() (target int64, err error) {
	c.OnExpiredLot, c.OnUsed = cmp.Or(c.OnExpiredLot, Regrant), cmp.Or(c.OnUsed, CancelRemaining)
	if err := checkMovement(c.Key, c.MemberID, c.Reason).refused(); err != nil {
		return 0, err
	}
	switch {
	case c.Amount != 0 && !usableAmount(c.Amount):
		return 0, badAmount.refused()
	case c.OnExpiredLot != Regrant && c.OnExpiredLot != ExpireOnce:
		return 0, refusedAs(BadChoice, "on_expired_lot is regrant or expire")
	case !slices.Contains([]OnUsed{RefuseUsed, CancelRemaining, OweUsed}, c.OnUsed):
		return 0, refusedAs(BadChoice, "on_used is refuse, remaining or debt")
	}
	kind, target, err := ParseTxID(c.TxID)
	if err != nil || kind != Points {
		return 0, unknownMovement()
	}
	return target, nil
}

func unknownMovement() *Refusal {
	return refusedAs(UnknownMovement, "the member has no such movement: take its id from the member's history")
}

// notCancellable says why m, which is no use and no save, or a save that a use-cancel made, is not undone.
func notCancellable(m *movement) *Refusal {
	if of, ok := strings.CutPrefix(m.memo, memoOf); ok && m.status == statusSave {
		return refusedAs(NotCancellable, "these points were given back by a cancelled use: cancel the save P%s, from which they come", of)
	}
	return refusedAs(NotCancellable, "only a use or a save can be cancelled, and this is a movement of kind %s", m.status.kind())
}

// memo keeps what c says and no column does.
func (c *Cancel) memo(status status) string {
	var words []string
	if c.Amount == 0 {
		words = append(words, memoRest)
	}
	if status == statusUseCancel && c.OnExpiredLot == ExpireOnce {
		words = append(words, memoExpire)
	}
	return strings.Join(words, " ")
}

// ofLeft returns how much c cancels of a movement of which left can still be cancelled, or why it cannot. kind is the movement's
// word for people.
func (c *Cancel) ofLeft(kind string, left int64) (int64, error) {
	switch {
	case c.Amount > left:
		r := refusedAs(OverCancelled, "of this %s %s can still be cancelled: fewer than the %s asked for",
			kind, english.Count(left, "point"), english.Number(c.Amount))
		r.Left = left
		return 0, r
	case left == 0:
		return 0, refusedAs(NothingToCancel, "all of this %s has been cancelled already", kind)
	case c.Amount == 0:
		return left, nil
	}
	return c.Amount, nil
}

// isOf reports whether m is what c asks for.
func (c *Cancel) isOf(m *movement, target int64) bool {
	if m.member != c.MemberID || m.undo != target || m.has(memoRest) != (c.Amount == 0) {
		return false
	}
	switch {
	case m.status == statusUseCancel:
		return (c.Amount == 0 || c.Amount == m.point) && m.has(memoExpire) == (c.OnExpiredLot == ExpireOnce)
	case m.cancel != nil:
		return (c.Amount == 0 || c.Amount == m.cancel.asked) && m.cancel.policy == c.OnUsed
	}
	return false
}

// replayCancel answers what stands under the key.
func replayCancel(ctx context.Context, q querier, m *movement) (Cancelled, error) {
	done := cancelled(m.id, m.status, m.point, m.cancel)
	done.Replayed = true
	lots, err := selectParts(ctx, q, m.member, m.id)
	done.Lots = lots
	return done, err
}

// cancelled is the answer to a cancel that stands under id.
func cancelled(id int64, status status, point int64, c *cancelRow) Cancelled {
	done := Cancelled{TxID: Points.txID(id), Kind: status.kind(), Cancelled: max(point, -point)}
	if c != nil {
		done.Expired, done.Uncollected = c.expired, c.uncollected
	}
	return done
}
