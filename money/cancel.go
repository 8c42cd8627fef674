package money

import (
	"cmp"
	"slices"
)

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

// CancelAnswer holds what came of one cancel of a batch.
type CancelAnswer struct {
	Key     string
	Outcome Outcome // Undone, Replayed, Refused or Conflict
	Cancelled
	Refusal *Refusal // of Refused or Conflict
}

// Check fills in what c leaves open, and returns why c can never be.
func (c *Cancel) Check() *Refusal {
	c.OnExpiredLot, c.OnUsed = cmp.Or(c.OnExpiredLot, Regrant), cmp.Or(c.OnUsed, CancelRemaining)
	if r := checkMovement(c.Key, c.MemberID, c.Reason); r != nil {
		return r
	}
	switch {
	case c.Amount != 0 && !usableAmount(c.Amount):
		return errBadAmount
	case c.OnExpiredLot != Regrant && c.OnExpiredLot != ExpireOnce:
		return NewRefusal(BadChoice, "on_expired_lot is regrant or expire")
	case !slices.Contains([]OnUsed{RefuseUsed, CancelRemaining, OweUsed}, c.OnUsed):
		return NewRefusal(BadChoice, "on_used is refuse, remaining or debt")
	}
	return nil
}
