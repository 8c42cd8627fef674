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
	Days      []Total // of saves that ran out in the last 30 days: by the last day, the latest first
	Expiry    Expiry
}

// Total is what became of the saves of a type or of a policy: Saved is the sum of Left, Used, Cancelled and Expired.
type Total struct {
	Code      string // the type, policy or day; "" of All, of saves without a policy, and of Others
	Others    bool   // it is the sum of all that are not listed
	Lots      int64
	OpenLots  int64 // with something left
	Saved     int64
	Left      int64
	Used      int64 // less what was given back
	Cancelled int64
	Expired   int64
}

// Expiry says how far the ledger is with what has run out.
type Expiry struct {
	Until   time.Time // all that ran out by then has expired, but for Waiting
	Waiting int64     // lots that are listed to expire
}

// Totals returns what became of all that was saved, as it was counted last. Error: domain.Unavailable, also of a ledger
// that does not count this.
func (l *Ledger) Totals(ctx context.Context) (Totals, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Totals(ctx)
}
