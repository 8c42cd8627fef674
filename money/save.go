package money

import (
	"context"
	"fmt"
	"time"
)

// Save saves one lot for a member. It needs a ref, and a type code unless its policy has one. Errors: a *Refusal (KeyConflict,
// the code of a field or of a policy), ErrDeadline; after any other it is unknown whether it was applied: ask again with the
// same key.
func (l *Ledger) Save(ctx context.Context, deadline time.Time, i Item) (Moved, error) {
	if err := checkSave(&i).refused(); err != nil {
		return Moved{}, fmt.Errorf("save points: %w", err)
	}
	answers, err := l.grant(ctx, pointBook{l.Location}, deadline, []Item{i})
	if err != nil {
		return Moved{}, err
	}
	a := answers[0]
	if a.Outcome == Refused || a.Outcome == Conflict {
		return Moved{}, fmt.Errorf("save points: %w", &Refusal{Code: a.Code, Message: a.Message})
	}
	return Moved{TxID: a.TxID, Replayed: a.Outcome == Replayed, Amount: a.Amount, Lots: []Part{{a.TxID, a.Amount}}}, nil
}

// checkSave returns why i, which is no grant, can never be saved; the rest is check's.
func checkSave(i *Item) refusal {
	if r := checkMovement(i.Key, i.MemberID, i.Reason); r.code != "" {
		return r
	}
	if i.TypeCode == "" && i.Policy != "" {
		return checkRef(i.Ref) // the policy may have a type code
	}
	return checkCause(i.TypeCode, i.Ref)
}
