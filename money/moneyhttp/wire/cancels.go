package wire

import (
	"time"

	"bestow/money"
)

// Cancels is the body of a route that cancels what many members have, in one transaction.
type Cancels[I any] struct {
	Deadline *time.Time `json:"deadline,omitzero" doc:"nothing is applied after it; default: 10 s from now, at most: a minute"`
	BudgetMS *int64     `json:"budget_ms,omitzero" doc:"the same in milliseconds from the arrival of the request; the earlier one counts"`
	Items    []I        `json:"items" nullable:"false" doc:"at most 1,000"`
}

// CancelAnswers is its answer: one for each item, in the order asked.
type CancelAnswers[A any] struct {
	Items []A `json:"items" nullable:"false"`
}

// CancelItem is one save that is to be cancelled.
type CancelItem struct {
	Key      string `json:"idempotency_key" doc:"1 to 200 characters; for ever of this cancel"`
	MemberID string `json:"member_id"`
	TxID     string `json:"money_tx_id" doc:"of the save"`
	Amount   *int64 `json:"amount,omitzero" doc:"absent: all that can still be cancelled"`
	OnUsed   string `json:"on_used,omitzero" enum:"refuse,remaining,debt" doc:"what becomes of points that were spent; default remaining"`
	Reason   string `json:"reason,omitzero" doc:"at most 500 characters; the member sees it"`
}

// CancelAnswer holds what came of one cancel.
type CancelAnswer struct {
	Key         string `json:"idempotency_key"`
	Outcome     string `json:"outcome" enum:"cancelled,replayed,refused,conflict"`
	TxID        string `json:"money_tx_id,omitzero"`
	Cancelled   int64  `json:"cancelled,omitzero"`
	Expired     int64  `json:"expired,omitzero"`
	Uncollected int64  `json:"uncollected,omitzero"`
	Code        string `json:"error_code,omitzero"`
	Message     string `json:"message,omitzero"`
}

// NewCancelAnswer returns a as it is sent.
func NewCancelAnswer(a *money.CancelAnswer) CancelAnswer {
	wire := CancelAnswer{
		Key: a.Key, Outcome: string(a.Outcome), TxID: a.TxID, Cancelled: a.Cancelled.Cancelled,
		Expired: a.Expired, Uncollected: a.Uncollected,
	}
	if a.Refusal != nil {
		wire.Code, wire.Message = a.Refusal.Code, a.Refusal.Message
	}
	return wire
}

// NewCancelItem returns c as it is sent.
func NewCancelItem(c *money.Cancel) CancelItem {
	return CancelItem{
		Key: c.Key, MemberID: c.MemberID, TxID: c.TxID, Amount: GivenAmount(c.Amount),
		OnUsed: string(c.OnUsed), Reason: c.Reason,
	}
}

// Money returns i as the ledger has it. Of an amount that it refuses, it is this item's own refusal.
func (i *CancelItem) Money() money.Cancel {
	amount, err := AmountOfCancel(i.Amount)
	if err != nil {
		amount = -1 // which the ledger refuses, this item alone
	}
	return money.Cancel{
		Key: i.Key, MemberID: i.MemberID, TxID: i.TxID, Amount: amount, OnUsed: money.OnUsed(i.OnUsed),
		Reason: i.Reason,
	}
}

// GivenAmount returns the amount of a cancel as it is sent: absent for all.
func GivenAmount(amount int64) *int64 {
	if amount == 0 {
		return nil
	}
	return &amount
}

// Money returns a as the ledger has it.
func (a *CancelAnswer) Money() money.CancelAnswer {
	done := money.Cancelled{
		TxID: a.TxID, Replayed: a.Outcome == string(money.Replayed), Cancelled: a.Cancelled,
		Expired: a.Expired, Uncollected: a.Uncollected,
	}
	if a.TxID != "" {
		done.Kind = money.KindSaveCancel
	}
	return money.CancelAnswer{
		Key: a.Key, Outcome: money.Outcome(a.Outcome), Cancelled: done,
		Refusal: refusalOf(a.Code, a.Message),
	}
}

// Each returns what f makes of all, in their order.
func Each[T, U any](all []T, f func(*T) U) []U {
	made := make([]U, len(all))
	for n := range all {
		made[n] = f(&all[n])
	}
	return made
}

// AmountOfCancel returns the amount of a cancel as the ledger has it: 0 for all, which no request may send. Error: a
// *money.Refusal.
func AmountOfCancel(given *int64) (int64, error) {
	switch {
	case given == nil:
		return 0, nil
	case *given <= 0:
		return 0, &money.Refusal{
			Code:    money.BadAmount,
			Message: "the amount is not positive: leave it out to cancel all",
		}
	}
	return *given, nil
}
