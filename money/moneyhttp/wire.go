package moneyhttp

import (
	"fmt"
	"io"
	"time"

	"bestow/money"
)

// prefix is where the money API is.
const prefix = "/money/v1"

// defaultBudget is how long a request may take that does not say how long.
const defaultBudget = 10 * time.Second

// defaultPage is how many movements a page has where the request does not say.
const defaultPage = 100

// The headers of the money API.
const (
	headerDeadline     = "Bestow-Deadline"
	headerInstallation = "Bestow-Installation"
	headerLedger       = "Bestow-Ledger"
)

// unknownKey is the outcome of a key that was looked up and stands for no grant.
const unknownKey = "unknown_key"

// The capabilities of a ledger. They are wire format: never renamed.
const (
	GrantsPoints   = "points"
	GrantsVouchers = "vouchers"
	Pairs          = "pairing"         // it can be paired with one installation
	RepeatsSecrets = "repeats_secrets" // a replay or a lookup of a voucher has its code and PIN
)

// Identity is the answer to GET /identity.
type Identity struct {
	LedgerID       string    `json:"ledger_id" doc:"the same for ever, also after a restore or a move to another host"`
	InstallationID string    `json:"installation_id,omitzero" doc:"the installation whose grants the ledger takes; absent while it has none"`
	Capabilities   []string  `json:"capabilities" doc:"points, vouchers, pairing, repeats_secrets; unknown ones are to be passed over" nullable:"false"`
	Time           time.Time `json:"time" doc:"the ledger's clock, by which it tells whether a deadline is over"`
}

// pairing is the body of PUT /pairing.
type pairing struct {
	InstallationID string `json:"installation_id" doc:"a UUID"`
}

// grants is the body of the two routes that grant.
type grants struct {
	Deadline *time.Time `json:"deadline,omitzero" doc:"nothing is applied after it; default: 10 s from now, at most: a minute"`
	BudgetMS *int64     `json:"budget_ms,omitzero" doc:"the same in milliseconds from the arrival of the request, for callers whose clock differs; the earlier one counts"`
	Items    []item     `json:"items" doc:"at most 5,000" nullable:"false"`
}

// item is one grant that is asked for.
type item struct {
	Key      string     `json:"idempotency_key" doc:"1 to 200 characters; for ever of this grant"`
	MemberID string     `json:"member_id" doc:"1 to 50 characters"`
	Amount   int64      `json:"amount" doc:"1 to 1,000,000,000,000,000, in the ledger's smallest unit"`
	Reason   string     `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
	ExpiryAt *time.Time `json:"expiry_at,omitzero" doc:"absent: it does not expire"`
	TypeCode string     `json:"type_code" doc:"what caused it: 1 to 10 characters; CM is a campaign"`
	Ref      string     `json:"ref,omitzero" doc:"the record that caused it: at most 100 characters; a voucher needs one"`
}

func wireItems(items []money.Item) []item {
	wire := make([]item, len(items))
	for n := range items {
		i := &items[n]
		wire[n] = item{i.Key, i.MemberID, i.Amount, i.Reason, i.ExpiryAt, i.TypeCode, i.Ref}
	}
	return wire
}

func (i *item) ours() money.Item {
	return money.Item{Key: i.Key, MemberID: i.MemberID, Amount: i.Amount, Reason: i.Reason, ExpiryAt: i.ExpiryAt, TypeCode: i.TypeCode, Ref: i.Ref}
}

// answers is the answer of the two routes that grant: one for each item, in the order asked.
type answers struct {
	Items []answer `json:"items" nullable:"false"`
}

// answer is what came of one item.
type answer struct {
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

func wireVoucher(v *money.Voucher) Voucher {
	if v == nil {
		return Voucher{}
	}
	return Voucher{v.Code, v.PIN, v.ExpiryAt}
}

// Format prints nothing of it, whatever the verb.
func (Voucher) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted voucher]") }

func (v Voucher) ours() *money.Voucher {
	if v.Code == "" && v.PIN == "" {
		return nil
	}
	return &money.Voucher{Code: v.Code, PIN: v.PIN, ExpiryAt: v.ExpiryAt}
}

func wireAnswers(all []money.Answer) answers {
	wire := make([]answer, len(all))
	for n := range all {
		a := &all[n]
		wire[n] = answer{a.Key, string(a.Outcome), a.TxID, a.MemberID, a.Amount, a.Code, a.Message, a.Retryable, wireVoucher(a.Voucher)}
	}
	return answers{wire}
}

func (a *answer) ours() money.Answer {
	return money.Answer{
		Key: a.Key, Outcome: money.Outcome(a.Outcome), TxID: a.TxID, MemberID: a.MemberID, Amount: a.Amount,
		Code: a.ErrorCode, Message: a.Message, Retryable: a.Retryable, Voucher: a.Voucher.ours(),
	}
}

// lookup is the body of the two routes that look up.
type lookup struct {
	Keys []string `json:"idempotency_keys" doc:"at most 5,000" nullable:"false"`
}

// findings is the answer of the two routes that look up: one for each key, in the order asked.
type findings struct {
	Items []finding `json:"items" nullable:"false"`
}

// finding is what the ledger knows of one key.
type finding struct {
	Key      string `json:"idempotency_key"`
	Outcome  string `json:"outcome" enum:"granted,unknown_key" doc:"unknown_key: no grant has this key"`
	TxID     string `json:"money_tx_id,omitzero"`
	MemberID string `json:"member_id,omitzero"`
	Amount   int64  `json:"amount,omitzero"`
	State    string `json:"voucher_state,omitzero" enum:"ISSUED,CANCELLED,REDEEMED,EXPIRED" doc:"of a voucher"`

	Voucher
}

func wireFindings(all []money.Found) findings {
	wire := make([]finding, len(all))
	for n := range all {
		f := &all[n]
		wire[n] = finding{f.Key, string(money.Granted), f.TxID, f.MemberID, f.Amount, string(f.State), wireVoucher(f.Voucher)}
		if !f.Known {
			wire[n] = finding{Key: f.Key, Outcome: unknownKey}
		}
	}
	return findings{wire}
}

func (f *finding) ours() money.Found {
	return money.Found{
		Key: f.Key, Known: f.Outcome == string(money.Granted), TxID: f.TxID, MemberID: f.MemberID, Amount: f.Amount, Voucher: f.Voucher.ours(),
		State: money.VoucherState(f.State),
	}
}
