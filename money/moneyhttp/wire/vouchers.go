package wire

import (
	"time"

	"bestow/money"
)

// VoucherCancel is one voucher that is to be cancelled.
type VoucherCancel struct {
	Key      string `json:"idempotency_key" doc:"1 to 200 characters; for ever of this cancel; one space with the keys of the grants of vouchers"`
	MemberID string `json:"member_id"`
	TxID     string `json:"money_tx_id" doc:"of the voucher"`
	Reason   string `json:"reason,omitzero" doc:"at most 500 characters"`
	Ref      string `json:"ref,omitzero" doc:"the record that caused it: at most 100 characters"`
}

// NewVoucherCancel returns c as it is sent.
func NewVoucherCancel(c *money.VoucherCancel) VoucherCancel { return VoucherCancel(*c) }

// Money returns c as the ledger has it.
func (c *VoucherCancel) Money() money.VoucherCancel { return money.VoucherCancel(*c) }

// VoucherCancelAnswer holds what came of one cancel of a voucher.
type VoucherCancelAnswer struct {
	Key     string `json:"idempotency_key"`
	Outcome string `json:"outcome" enum:"cancelled,replayed,refused,conflict"`
	TxID    string `json:"money_tx_id,omitzero" doc:"of the voucher"`
	Amount  int64  `json:"amount,omitzero" doc:"what the voucher was worth"`
	Code    string `json:"error_code,omitzero"`
	Message string `json:"message,omitzero"`
}

// NewVoucherCancelAnswer returns a as it is sent.
func NewVoucherCancelAnswer(a *money.VoucherCancelAnswer) VoucherCancelAnswer {
	wire := VoucherCancelAnswer{Key: a.Key, Outcome: string(a.Outcome), TxID: a.TxID, Amount: a.Amount}
	if a.Refusal != nil {
		wire.Code, wire.Message = a.Refusal.Code, a.Refusal.Message
	}
	return wire
}

// Money returns a as the ledger has it.
func (a *VoucherCancelAnswer) Money() money.VoucherCancelAnswer {
	return money.VoucherCancelAnswer{
		Key: a.Key, Outcome: money.Outcome(a.Outcome), TxID: a.TxID, Amount: a.Amount,
		Refusal: refusalOf(a.Code, a.Message),
	}
}

// refusalOf returns what an item of an answer says of its refusal; nil where it says nothing.
func refusalOf(code, message string) *money.Refusal {
	if code == "" {
		return nil
	}
	return &money.Refusal{Code: code, Message: message}
}

// IssuedVoucher is a member's voucher. Its code and PIN are in no list.
type IssuedVoucher struct {
	TxID      string     `json:"money_tx_id"`
	Amount    int64      `json:"amount"`
	State     string     `json:"voucher_state" enum:"ISSUED,CANCELLED,REDEEMED,EXPIRED"`
	ChangedAt *time.Time `json:"changed_at,omitzero" doc:"since when it is cancelled or redeemed"`
	TypeCode  string     `json:"type_code"`
	Ref       string     `json:"ref"`
	Reason    string     `json:"reason,omitzero"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiryAt  *time.Time `json:"voucher_expiry_at,omitzero" doc:"absent: it does not expire"`
}

// NewIssuedVoucher returns v as it is sent.
func NewIssuedVoucher(v *money.IssuedVoucher) IssuedVoucher {
	return IssuedVoucher{
		v.TxID, v.Amount, string(v.State), utc(v.ChangedAt), v.TypeCode, v.Ref, v.Reason,
		v.CreatedAt.UTC(), utc(v.ExpiryAt),
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// Vouchers is a page of a member's vouchers.
type Vouchers struct {
	Items      []IssuedVoucher `json:"items" nullable:"false" doc:"the newest first"`
	NextCursor string          `json:"next_cursor,omitzero" doc:"absent: this is the last page"`
}
