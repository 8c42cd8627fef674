package money

import "time"

// MovementKind says what a movement did. It is wire format: never renamed.
type MovementKind string

// The five kinds of movements.
const (
	KindSave       MovementKind = "save"
	KindUse        MovementKind = "use"
	KindUseCancel  MovementKind = "use_cancel"
	KindSaveCancel MovementKind = "save_cancel"
	KindExpire     MovementKind = "expire"
)

// Movement is one row of a member's history.
type Movement struct {
	TxID       string
	Kind       MovementKind
	Amount     int64 // as it changes the balance: a use is negative
	TypeCode   string
	Ref        string
	Reason     string
	Undo       string // of a cancel: the movement that it undoes; of what a use-cancel made: that use-cancel
	CreatedAt  time.Time
	ExpiryAt   *time.Time // of a save; nil for never
	IssueDate  string     // yyyymmdd in the ledger's time zone
	ExpiryDate string     // of a save: the last day on which its points can be spent; 99991231 for never
	Lots       []Part     // only where one movement was asked for
	// Cancellable is of a save, where one movement was asked for; nil of points that a use-cancel saved anew.
	Cancellable *Cancellable
}

// Cancellable says what a cancel of all that is left of a save does at this moment.
type Cancellable struct {
	Amount  int64 // of the save, what no cancel was asked for yet
	Left    int64 // of Amount, what is taken: it lies in the save's lot, or was saved anew from it
	Expired int64 // of the rest, what has expired; what remains was spent
}

// Part holds what a movement did to one lot.
type Part struct {
	SaveID string // the transaction id of the save that made the lot
	Amount int64  // as it changes what the lot has left: what is drawn is negative
}

// Lot is a save, and what has become of its points: Amount is the sum of Left, Used, Cancelled and Expired.
type Lot struct {
	SaveID    string // the transaction id of the save
	Amount    int64  // that was saved
	Left      int64  // it may have run out, if the expiry job did not come to it yet
	Used      int64  // less what was given back
	Cancelled int64  // by cancels of the save
	Expired   int64
	TypeCode  string
	Ref       string
	Reason    string
	CreatedAt time.Time
	ExpiryAt  *time.Time // nil for never
	Draws     []Draw     // only where one lot was asked for
}

// Draw is what a movement took from a lot, or gave back to it.
type Draw struct {
	TxID      string
	Kind      MovementKind
	Amount    int64 // as it changes what the lot has left: what is taken is negative
	CreatedAt time.Time
}

// LotsQuery asks for one page of a member's lots.
type LotsQuery struct {
	MemberID string
	Before   string // the last save of the page before; "" for the first page
	Limit    int    // 1 to MaxPage; 0 for 100
}

// Moved is the answer to a save or a use.
type Moved struct {
	TxID     string
	Replayed bool   // the key stood in the ledger with the same content
	Amount   int64  // as asked
	Lots     []Part // in the order in which they were taken
}

// Spending is points that a member is to use.
type Spending struct {
	Key      string // the idempotency key: 1 to 200 characters
	MemberID string // 1 to 50 characters
	Amount   int64  // 1 to MaxAmount
	TypeCode string // what the points are used for: 1 to 10 characters
	Ref      string // the causing record, such as an order: 1 to 100 characters
	Reason   string // at most 500 characters; "" for none
}

// Check returns why s can never be.
func (s *Spending) Check() *Refusal {
	if r := checkMovement(s.Key, s.MemberID, s.Reason); r != nil {
		return r
	}
	if !usableAmount(s.Amount) {
		return errBadAmount
	}
	return checkCause(s.TypeCode, s.Ref)
}

// noExpiry is the expiry_date of what never expires, and of what is no save.
const noExpiry = "99991231"

// ExpiryDate returns the last day on which points that expire at t can be spent, as the ledger writes it: yyyymmdd. The
// instant itself is too late: midnight of 1 December is 30 November.
func ExpiryDate(t *time.Time, loc *time.Location) string {
	if t == nil {
		return noExpiry
	}
	return t.Add(-time.Microsecond).In(loc).Format("20060102")
}

// SpendOrder says which of a member's lots is spent first.
type SpendOrder string

// The orders.
const (
	SpendSaved    SpendOrder = "saved"    // the earliest save
	SpendExpiring SpendOrder = "expiring" // the earliest expiry, those without one last; then the earliest save
)
