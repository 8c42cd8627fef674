package money

import "fmt"

// The codes of refusals and conflicts. They are wire format: never renamed.
const (
	BadKey      = "bad_key"
	BadMember   = "bad_member"
	BadAmount   = "bad_amount"
	BadReason   = "bad_reason"
	BadTypeCode = "bad_type_code"
	BadRef      = "bad_ref"
	BadExpiry   = "bad_expiry" // it cannot be stored
	Expired     = "expired"    // by the database's clock
	KeyConflict = "key_conflict"

	// Of the state that a movement meets: it may be asked again after a change.
	InsufficientBalance = "insufficient_balance"
	OverCancelled       = "over_cancelled"
	SavePartlyUsed      = "save_partly_used"
	NothingToCancel     = "nothing_to_cancel"
	UnknownMovement     = "unknown_movement" // the member has no such movement
	NotCancellable      = "not_cancellable"  // it is neither a use nor a save

	// Of a voucher that is to be cancelled.
	UnknownVoucher = "unknown_voucher" // the member has no such voucher
	Redeemed       = "redeemed"

	// Of a policy.
	UnderMinimum   = "under_minimum"
	OverMaximum    = "over_maximum"
	OverHolding    = "over_holding"
	PolicyInactive = "policy_inactive"
	UnknownPolicy  = "unknown_policy"

	// Of a policy that is made or changed.
	PolicyExists  = "policy_exists"       // with other terms
	PolicyChanged = "precondition_failed" // since it was read

	// Of a call that only reads, and of a choice that does not exist.
	OutOfRange = "out_of_range" // a sum does not fit 64 bits
	BadCursor  = "bad_cursor"
	BadKind    = "bad_kind"
	BadLimit   = "bad_limit"
	BadDays    = "bad_days"
	BadChoice  = "bad_choice" // OnExpiredLot or OnUsed
)

// Refusal is the error of a movement that is not applied because of what it asks for, or of the state that it meets.
// Nothing was applied. But for KeyConflict, the key is free: the same call may be made again after a change.
type Refusal struct { //nolint:errname // the word of the outcome Refused, whose cause it is
	Code    string
	Message string // for people: what is wrong and what to do
	// Left says how much there is: of InsufficientBalance the balance, of OverCancelled what can still be cancelled, of
	// SavePartlyUsed what the lot has left.
	Left int64
}

// Error returns the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Err returns r as an error; nil of a nil one, which refuses nothing.
func (r *Refusal) Err() error {
	if r == nil {
		return nil
	}
	return r
}

// NewRefusal returns the refusal with the code, whose message is made as fmt.Sprintf does.
func NewRefusal(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ErrKeyTaken is the refusal of a key that stands for something else, of which it says nothing: it may be another
// member's.
var ErrKeyTaken = &Refusal{
	Code:    KeyConflict,
	Message: "the idempotency key was used for another member, amount or operation",
}
