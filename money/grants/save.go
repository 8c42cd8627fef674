package grants

import (
	"context"
	"fmt"
	"time"

	"bestow/money"
)

// Save saves one lot for a member. It needs a ref, and a type code unless its policy has one. Errors: a *Refusal
// (KeyConflict, the code of a field or of a policy), ErrDeadline; after any other it is unknown whether it was applied:
// ask again with the same key.
func (g *Granter) Save(ctx context.Context, deadline time.Time, i money.Item) (money.Moved, error) {
	if err := i.CheckSave().Err(); err != nil {
		return money.Moved{}, fmt.Errorf("save points: %w", err)
	}
	answers, err := g.grant(ctx, pointBook{g.location}, deadline, []money.Item{i})
	if err != nil {
		return money.Moved{}, err
	}
	a := answers[0]
	if a.Outcome == money.Refused || a.Outcome == money.Conflict {
		return money.Moved{}, fmt.Errorf("save points: %w", &money.Refusal{Code: a.Code, Message: a.Message})
	}
	return money.Moved{
		TxID: a.TxID, Replayed: a.Outcome == money.Replayed, Amount: a.Amount,
		Lots: []money.Part{{SaveID: a.TxID, Amount: a.Amount}},
	}, nil
}
