package ledger

import (
	"context"
	"time"
)

// Totals hold what became of all that was ever saved, when the ledger counted it.
type Totals struct {
	CountedAt *time.Time // nil: it was not counted yet
	All       Total
	Types     []Total // by the type of the saves; of which most is left first
	Policies  []Total // by the policy of the saves, the same way
}

// Total is what became of the saves of a type or of a policy: Saved is the sum of Left, Used, Cancelled and Expired.
type Total struct {
	Code      string // of the type or policy; "" of All, of saves without a policy, and of Others
	Others    bool   // it is the sum of all that are not listed
	Lots      int64
	OpenLots  int64 // with something left
	Saved     int64
	Left      int64
	Used      int64 // less what was given back
	Cancelled int64
	Expired   int64
}

// Totals returns what became of all that was saved, as it was counted last. Error: domain.Unavailable, also of a ledger
// that does not count this.
func (l *Ledger) Totals(ctx context.Context) (Totals, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Totals(ctx)
}
