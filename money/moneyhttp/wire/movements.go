package wire

import (
	"time"

	"bestow/money"
)

// Save is the body of POST /members/{id}/saves.
type Save struct {
	Amount   int64      `json:"amount" doc:"1 to 10^15"`
	TypeCode string     `json:"type_code,omitzero" doc:"what caused it: 1 to 10 characters; it may be left out where the policy has one"`
	Ref      string     `json:"ref" doc:"the record that caused it, such as an order: 1 to 100 characters"`
	Reason   string     `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
	Policy   string     `json:"policy_code,omitzero" doc:"the accrual policy"`
	ExpiryAt *time.Time `json:"expiry_at,omitzero" doc:"the first instant at which the points cannot be spent; absent: as the policy says, else never"`
}

// Use is the body of POST /members/{id}/uses.
type Use struct {
	Amount   int64  `json:"amount" doc:"1 to 10^15"`
	TypeCode string `json:"type_code" doc:"what the points are used for: 1 to 10 characters"`
	Ref      string `json:"ref" doc:"the record that caused it, such as an order: 1 to 100 characters"`
	Reason   string `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
}

// Part holds what a movement did to one lot.
type Part struct {
	SaveID string `json:"save_id" doc:"the money_tx_id of the save that made the lot"`
	Amount int64  `json:"amount" doc:"as it changes what the lot has left: what is taken is negative"`
}

func newParts(all []money.Part) []Part {
	wire := make([]Part, len(all))
	for n, p := range all {
		wire[n] = Part(p)
	}
	return wire
}

// Moved is the answer to a save or a use.
type Moved struct {
	TxID    string `json:"money_tx_id"`
	Balance int64  `json:"balance" doc:"of the moment of this answer, also in a replay"`
	Lots    []Part `json:"lots" nullable:"false" doc:"in the order in which they were taken"`
}

// NewMoved returns m with the member's balance as it is sent.
func NewMoved(m *money.Moved, balance int64) Moved {
	return Moved{m.TxID, balance, newParts(m.Lots)}
}

// Cancel is the body of POST /members/{id}/movements/{money_tx_id}/cancel.
type Cancel struct {
	Amount       *int64 `json:"amount,omitzero" doc:"absent: all that can still be cancelled"`
	OnExpiredLot string `json:"on_expired_lot,omitzero" enum:"regrant,expire" doc:"of a use: what becomes of points whose lot has expired; default regrant"`
	OnUsed       string `json:"on_used,omitzero" enum:"refuse,remaining,debt" doc:"of a save: what becomes of points that were spent; default remaining"`
	Reason       string `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
}

// MemberCancel is the body of POST /movements/{money_tx_id}/cancel: an id alone leads to no row.
type MemberCancel struct {
	MemberID     string `json:"member_id"`
	Amount       *int64 `json:"amount,omitzero" doc:"absent: all that can still be cancelled"`
	OnExpiredLot string `json:"on_expired_lot,omitzero" enum:"regrant,expire" doc:"of a use: what becomes of points whose lot has expired; default regrant"`
	OnUsed       string `json:"on_used,omitzero" enum:"refuse,remaining,debt" doc:"of a save: what becomes of points that were spent; default remaining"`
	Reason       string `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
}

// Cancelled is the answer to a cancel.
type Cancelled struct {
	TxID        string `json:"money_tx_id"`
	Cancelled   int64  `json:"cancelled" doc:"given back to the member, of a use; taken from the member, of a save"`
	Expired     int64  `json:"expired" doc:"of a save: what had expired before"`
	Uncollected int64  `json:"uncollected" doc:"of a save: what was spent before"`
	Balance     int64  `json:"balance" doc:"of the moment of this answer, also in a replay"`
	Lots        []Part `json:"lots" nullable:"false"`
}

// NewCancelled returns c with the member's balance as it is sent.
func NewCancelled(c *money.Cancelled, balance int64) Cancelled {
	return Cancelled{c.TxID, c.Cancelled, c.Expired, c.Uncollected, balance, newParts(c.Lots)}
}

// Member is the answer to GET /members/{id}.
type Member struct {
	MemberID string     `json:"member_id"`
	Balance  int64      `json:"balance" doc:"what can be spent now; below 0 while more is owed than there is"`
	Owed     int64      `json:"owed" doc:"what was spent of cancelled saves, to be taken from later ones"`
	Expiring []Expiring `json:"expiring" nullable:"false" doc:"the next instants at which points expire, at most 12"`
}

// NewMember returns m as it is sent.
func NewMember(m *money.Member) Member {
	wire := Member{m.MemberID, m.Balance, m.Owed, make([]Expiring, len(m.Expiring))}
	for n, e := range m.Expiring {
		wire.Expiring[n] = Expiring{e.ExpiryAt.UTC(), e.Amount}
	}
	return wire
}

// Expiring holds what expires at one instant.
type Expiring struct {
	ExpiryAt time.Time `json:"expiry_at"`
	Amount   int64     `json:"amount"`
}

// Movement is one row of a member's history.
type Movement struct {
	TxID       string    `json:"money_tx_id"`
	Kind       string    `json:"kind" enum:"save,use,use_cancel,save_cancel,expire"`
	Amount     int64     `json:"amount" doc:"as it changes the balance: a use is negative"`
	TypeCode   string    `json:"type_code"`
	Ref        string    `json:"ref,omitzero"`
	Reason     string    `json:"reason,omitzero"`
	Undo       string    `json:"undo,omitzero" doc:"of a cancel: the movement that it undoes; of what a cancel of a use made: that cancel"`
	CreatedAt  time.Time `json:"created_at"`
	IssueDate  string    `json:"issue_date" doc:"YYYYMMDD in the ledger's time zone"`
	ExpiryDate string    `json:"expiry_date" doc:"of a save: the last day on which its points can be spent; 99991231: they do not expire"`
	Lots       []Part    `json:"lots,omitempty" nullable:"false" doc:"only where one movement is asked for"`

	Cancellable *Cancellable `json:"cancellable,omitempty" doc:"of a save, where one movement is asked for: what a cancel of all that is left of it does now"`
}

// Cancellable says what a cancel of all that is left of a save does at the moment of the answer.
type Cancellable struct {
	Amount      int64 `json:"amount" doc:"of the save, what was not cancelled yet"`
	Left        int64 `json:"left" doc:"of the amount, what the cancel takes: the member still has it"`
	Expired     int64 `json:"expired" doc:"of the amount, what has expired"`
	Uncollected int64 `json:"uncollected" doc:"of the amount, what was spent: with on_used debt the member would owe it"`
}

func newCancellable(c *money.Cancellable) *Cancellable {
	if c == nil {
		return nil
	}
	return &Cancellable{c.Amount, c.Left, c.Expired, c.Amount - c.Left - c.Expired}
}

// NewMovement returns m as it is sent.
func NewMovement(m *money.Movement) Movement {
	return Movement{
		Cancellable: newCancellable(m.Cancellable),
		TxID:        m.TxID, Kind: string(m.Kind), Amount: m.Amount, TypeCode: m.TypeCode, Ref: m.Ref, Reason: m.Reason,
		Undo:      m.Undo,
		CreatedAt: m.CreatedAt.UTC(), IssueDate: m.IssueDate, ExpiryDate: m.ExpiryDate, Lots: newParts(m.Lots),
	}
}

// Movements is a page of a member's history.
type Movements struct {
	Items      []Movement `json:"items" nullable:"false" doc:"the newest first"`
	NextCursor string     `json:"next_cursor,omitzero" doc:"absent: this is the last page"`
}

// Lot is a save, and what has become of its points: amount is the sum of left, used, cancelled and expired.
type Lot struct {
	TxID      string     `json:"money_tx_id" doc:"of the save"`
	Amount    int64      `json:"amount" doc:"that was saved"`
	Left      int64      `json:"left"`
	Used      int64      `json:"used" doc:"less what was given back"`
	Cancelled int64      `json:"cancelled" doc:"by cancels of the save"`
	Expired   int64      `json:"expired"`
	TypeCode  string     `json:"type_code"`
	Ref       string     `json:"ref,omitzero"`
	Reason    string     `json:"reason,omitzero"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiryAt  *time.Time `json:"expiry_at" doc:"the first instant at which the points cannot be spent; null: they do not expire"`
	Draws     []Draw     `json:"draws,omitempty" nullable:"false" doc:"only where one lot is asked for: what movements took from it or gave back, the newest first, at most 1000"`
}

// Draw is what a movement took from a lot, or gave back to it.
type Draw struct {
	TxID      string    `json:"money_tx_id"`
	Kind      string    `json:"kind" enum:"use,use_cancel,save_cancel,expire"`
	Amount    int64     `json:"amount" doc:"as it changes what the lot has left: what is taken is negative"`
	CreatedAt time.Time `json:"created_at"`
}

// Lots is a page of a member's lots.
type Lots struct {
	Items      []Lot  `json:"items" nullable:"false" doc:"the newest first"`
	NextCursor string `json:"next_cursor,omitzero" doc:"absent: this is the last page"`
}

// NewLot returns l as it is sent.
func NewLot(l *money.Lot) Lot {
	wire := Lot{
		TxID: l.SaveID, Amount: l.Amount, Left: l.Left, Used: l.Used, Cancelled: l.Cancelled, Expired: l.Expired,
		TypeCode: l.TypeCode, Ref: l.Ref, Reason: l.Reason, CreatedAt: l.CreatedAt.UTC(),
	}
	if l.ExpiryAt != nil {
		wire.ExpiryAt = new(l.ExpiryAt.UTC())
	}
	for _, d := range l.Draws {
		wire.Draws = append(wire.Draws, Draw{d.TxID, string(d.Kind), d.Amount, d.CreatedAt.UTC()})
	}
	return wire
}
