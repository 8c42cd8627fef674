package wire

import (
	"fmt"
	"io"
	"time"

	"bestow/money"
)

// UnknownKey is the outcome of a key that was looked up and stands for no grant.
const UnknownKey = "unknown_key"

// Grants is the body of the two routes that grant.
type Grants struct {
	Deadline *time.Time `json:"deadline,omitzero" doc:"nothing is applied after it; default: 10 s from now, at most: a minute"`
	BudgetMS *int64     `json:"budget_ms,omitzero" doc:"the same in milliseconds from the arrival of the request, for callers whose clock differs; the earlier one counts"`
	Items    []Item     `json:"items" doc:"at most 5,000" nullable:"false"`
}

// Item is one grant that is asked for.
type Item struct {
	Key      string     `json:"idempotency_key" doc:"1 to 200 characters; for ever of this grant"`
	MemberID string     `json:"member_id" doc:"1 to 50 characters"`
	Amount   int64      `json:"amount" doc:"1 to 1,000,000,000,000,000, in the ledger's smallest unit"`
	Reason   string     `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
	ExpiryAt *time.Time `json:"expiry_at,omitzero" doc:"absent: it does not expire"`
	TypeCode string     `json:"type_code" doc:"what caused it: 1 to 10 characters; CM is a campaign"`
	Ref      string     `json:"ref,omitzero" doc:"the record that caused it: at most 100 characters; a voucher needs one"`
}

// NewItems returns items as they are sent.
func NewItems(items []money.Item) []Item {
	wire := make([]Item, len(items))
	for n := range items {
		i := &items[n]
		wire[n] = Item{i.Key, i.MemberID, i.Amount, i.Reason, i.ExpiryAt, i.TypeCode, i.Ref}
	}
	return wire
}

// Money returns i as the ledger has it.
func (i *Item) Money() money.Item {
	return money.Item{
		Key: i.Key, MemberID: i.MemberID, Amount: i.Amount, Reason: i.Reason, ExpiryAt: i.ExpiryAt,
		TypeCode: i.TypeCode, Ref: i.Ref,
	}
}

// Answers is the answer of the two routes that grant: one for each item, in the order asked.
type Answers struct {
	Items []Answer `json:"items" nullable:"false"`
}

// Answer holds what came of one item.
type Answer struct {
	Key       string `json:"idempotency_key"`
	Outcome   string `json:"outcome" enum:"granted,replayed,refused,conflict" doc:"granted now; replayed: the key stands for this very grant; refused: not applied; conflict: the key stands for another grant"`
	TxID      string `json:"money_tx_id,omitzero" doc:"of a granted or replayed one: the same for ever"`
	MemberID  string `json:"member_id,omitzero"`
	Amount    int64  `json:"amount,omitzero"`
	ErrorCode string `json:"error_code,omitzero" doc:"of a refused one or a conflict"`
	Message   string `json:"message,omitzero" doc:"likewise, for people"`
	Retryable bool   `json:"retryable,omitzero" doc:"of a refused one: it may be granted later"`

	Voucher
}

// Voucher is the code and the PIN of a granted voucher. It prints as a placeholder, and so does what it is part of.
type Voucher struct {
	Code     string     `json:"voucher_code,omitzero"`
	PIN      string     `json:"voucher_pin,omitzero"`
	ExpiryAt *time.Time `json:"voucher_expiry_at,omitzero"`
}

func newVoucher(v *money.Voucher) Voucher {
	if v == nil {
		return Voucher{}
	}
	return Voucher{v.Code, v.PIN, v.ExpiryAt}
}

// Format prints nothing of it, for any verb.
func (Voucher) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted voucher]") }

// secret returns the voucher as the ledger has it, nil where there is none.
func (v Voucher) secret() *money.Voucher {
	if v.Code == "" && v.PIN == "" {
		return nil
	}
	return &money.Voucher{Code: v.Code, PIN: v.PIN, ExpiryAt: v.ExpiryAt}
}

// NewAnswers returns all as they are sent.
func NewAnswers(all []money.Answer) Answers {
	wire := make([]Answer, len(all))
	for n := range all {
		a := &all[n]
		wire[n] = Answer{
			a.Key, string(a.Outcome), a.TxID, a.MemberID, a.Amount, a.Code, a.Message, a.Retryable,
			newVoucher(a.Voucher),
		}
	}
	return Answers{wire}
}

// Money returns a as the ledger has it.
func (a *Answer) Money() money.Answer {
	return money.Answer{
		Key: a.Key, Outcome: money.Outcome(a.Outcome), TxID: a.TxID, MemberID: a.MemberID, Amount: a.Amount,
		Code: a.ErrorCode, Message: a.Message, Retryable: a.Retryable, Voucher: a.secret(),
	}
}

// Lookup is the body of the two routes that look up.
type Lookup struct {
	Keys []string `json:"idempotency_keys" doc:"at most 5,000" nullable:"false"`
}

// Findings is the answer of the two routes that look up: one for each key, in the order asked.
type Findings struct {
	Items []Finding `json:"items" nullable:"false"`
}

// Finding holds what the ledger knows of one key.
type Finding struct {
	Key      string `json:"idempotency_key"`
	Outcome  string `json:"outcome" enum:"granted,unknown_key" doc:"unknown_key: no grant has this key"`
	TxID     string `json:"money_tx_id,omitzero"`
	MemberID string `json:"member_id,omitzero"`
	Amount   int64  `json:"amount,omitzero"`
	State    string `json:"voucher_state,omitzero" enum:"ISSUED,CANCELLED,REDEEMED,EXPIRED" doc:"of a voucher"`

	Voucher
}

// NewFindings returns all as they are sent.
func NewFindings(all []money.Found) Findings {
	wire := make([]Finding, len(all))
	for n := range all {
		f := &all[n]
		wire[n] = Finding{
			f.Key, string(money.Granted), f.TxID, f.MemberID, f.Amount, string(f.State),
			newVoucher(f.Voucher),
		}
		if !f.Known {
			wire[n] = Finding{Key: f.Key, Outcome: UnknownKey}
		}
	}
	return Findings{wire}
}

// Money returns f as the ledger has it.
func (f *Finding) Money() money.Found {
	return money.Found{
		Key: f.Key, Known: f.Outcome == string(money.Granted), TxID: f.TxID, MemberID: f.MemberID, Amount: f.Amount,
		Voucher: f.secret(),
		State:   money.VoucherState(f.State),
	}
}
