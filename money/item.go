package money

import "time"

// Item is one grant as it is asked for.
type Item struct {
	Key      string // the idempotency key: 1 to 200 characters
	MemberID string // 1 to 50 characters
	Amount   int64  // 1 to MaxAmount, in the ledger's smallest unit
	Reason   string // at most 500 characters; "" for none
	ExpiryAt *time.Time
	TypeCode string // what caused it: 1 to 10 characters
	Ref      string // the causing record: at most 100 characters; "" for none, which a voucher may not have
	Policy   string // the code of the accrual policy; "" for none, as of every voucher
}

// Outcome holds what came of an item. It is wire format: never renamed.
type Outcome string

// The outcomes.
const (
	Granted  Outcome = "granted"   // applied now
	Replayed Outcome = "replayed"  // applied before, with the same content
	Refused  Outcome = "refused"   // not applied; Code, Message and Retryable say why
	Conflict Outcome = "conflict"  // not applied: the key stands for another member, amount or operation
	Undone   Outcome = "cancelled" // of a cancel: applied now
)

// Answer holds what came of one item.
type Answer struct {
	Key       string
	Outcome   Outcome
	TxID      string // of a Granted or Replayed one, as ParseTxID reads it
	MemberID  string // of the movement; of the item if there is none
	Amount    int64  // likewise
	Code      string // of a Refused one or a Conflict
	Message   string // likewise, for people
	Retryable bool   // of a Refused one: it may be granted later
	Voucher   *Voucher
}

// Found holds what the ledger knows of a key.
type Found struct {
	Key      string
	Known    bool // a grant has this key; if not, the fields below are empty
	TxID     string
	MemberID string
	Amount   int64
	Voucher  *Voucher
	State    VoucherState // of a voucher
}
