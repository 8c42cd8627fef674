package money

import (
	"fmt"
	"io"
	"time"
)

// Voucher holds what a member holds in hands. It prints and marshals as a placeholder, so that a log of an answer shows
// nothing; code that sends it names its fields.
type Voucher struct {
	Code     string // XXXX-XXXX-XXXX-XXXX, in Crockford's base 32
	PIN      string // eight digits
	ExpiryAt *time.Time
}

const redacted = "[redacted voucher]"

// Format prints nothing of the voucher, for any verb.
func (Voucher) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText keeps a voucher out of encoding/json and slog's handlers.
func (Voucher) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// VoucherState says what has become of a voucher. It is wire format: never renamed.
type VoucherState string

// The states of a voucher.
const (
	VoucherIssued    VoucherState = "ISSUED"
	VoucherCancelled VoucherState = "CANCELLED"
	VoucherRedeemed  VoucherState = "REDEEMED"
	VoucherExpired   VoucherState = "EXPIRED" // by the database's clock: no row says it
)

// IssuedVoucher is a member's voucher without its code and PIN.
type IssuedVoucher struct {
	TxID      string
	Amount    int64
	State     VoucherState
	ChangedAt *time.Time // since when it is cancelled or redeemed; nil where it is neither
	TypeCode  string
	Ref       string
	Reason    string
	CreatedAt time.Time
	ExpiryAt  *time.Time // nil for never
}

// VouchersQuery asks for one page of a member's vouchers.
type VouchersQuery struct {
	MemberID string
	Before   string // the last transaction id of the page before; "" for the newest page
	Limit    int    // 1 to MaxPage; 0 for 100
}

// VoucherCancel asks for a voucher to be cancelled.
type VoucherCancel struct {
	Key      string // the idempotency key: 1 to 200 characters
	MemberID string
	TxID     string // of the voucher
	Reason   string // at most 500 characters; "" for none
	Ref      string // the causing record: at most 100 characters; "" for none
}

// VoucherCancelAnswer holds what came of one cancel of a batch.
type VoucherCancelAnswer struct {
	Key     string
	Outcome Outcome // Undone, Replayed, Refused or Conflict
	TxID    string  // of the voucher, where it is Undone or Replayed
	Amount  int64   // likewise: what it was worth
	Refusal *Refusal
}

// Check returns why c can never be, whatever its voucher is.
func (c *VoucherCancel) Check() *Refusal {
	if r := checkMovement(c.Key, c.MemberID, c.Reason); r != nil {
		return r
	}
	if !text(c.Ref, maxRef) {
		return NewRefusal(BadRef, "the ref cannot be stored: it must be text of at most 100 characters")
	}
	return nil
}
