package ledger

import (
	"context"
	"time"
)

// LotBook is what a ledger knows of the lots of members.
type LotBook interface {
	// Lots returns at most limit lots of the member, newest first, from before the save with the id on; "": from the
	// newest on. Errors: domain.NotFound for a member who cannot be, domain.Invalid for a save that cannot be.
	Lots(ctx context.Context, member, before string, limit int) ([]Lot, error)
	// Lot returns the lot of a save with what was drawn from it. Error: domain.NotFound.
	Lot(ctx context.Context, member, moneyTxID string) (Lot, error)
}

// CampaignCode is the TypeCode of what a campaign grants: its Ref is the campaign's id then. A shop may use it too.
const CampaignCode = "CM"

// Lot is a save, and what has become of its points: Amount is the sum of Left, Used, Cancelled and Expired.
type Lot struct {
	MoneyTxID string // of the save
	Amount    int64  // that was saved
	Left      int64
	Used      int64 // less what was given back
	Cancelled int64 // by cancels of the save
	Expired   int64
	TypeCode  string
	Ref       string
	Reason    string
	CreatedAt time.Time
	ExpiryAt  *time.Time // nil: never
	Draws     []Draw     // only where one lot was asked for; the newest first
}

// Draw is what a movement took from a lot, or gave back to it.
type Draw struct {
	MoneyTxID string
	Kind      string // use, use_cancel, save_cancel or expire
	Amount    int64  // as it changes what the lot has left: what is taken is negative
	CreatedAt time.Time
}

// Lots returns at most limit lots of the member, newest first, from before the save with the id on. Errors:
// domain.NotFound, domain.Invalid, domain.Unavailable.
func (l *Ledger) Lots(ctx context.Context, member, before string, limit int) ([]Lot, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Lots(ctx, member, before, limit)
}

// Lot returns the lot of a save with what was drawn from it. Errors: domain.NotFound, domain.Unavailable.
func (l *Ledger) Lot(ctx context.Context, member, moneyTxID string) (Lot, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Lot(ctx, member, moneyTxID)
}
