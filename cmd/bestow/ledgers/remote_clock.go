package ledgers

import (
	"fmt"
	"sync/atomic"
	"time"
)

// ledgerSkew says how far a ledger's clock may be from this database's. A claim ends five seconds after the deadline
// that the ledger is given; a wrong clock may take two of them.
const ledgerSkew = 2 * time.Second

// dates are the Date headers of a ledger's answers. They count for a ledger without GET /identity, which has no other
// way to show its clock; elsewhere a proxy's clock might be taken for the ledger's.
type dates struct {
	count  atomic.Bool
	anchor atomic.Pointer[anchor] // nil: the database's clock was not read yet
	why    atomic.Pointer[error]  // what the last one says against the ledger; nil: nothing
}

// anchor holds what the database's clock showed between two moments of this process's clock.
type anchor struct{ showed, asked, answered time.Time }

// skew says how far the ledger's clock is off by its last answer, nil if it is right enough.
func (d *dates) skew() error {
	if why := d.why.Load(); why != nil {
		return *why
	}
	return nil
}

// checkDate checks the clock of a ledger by the Date of an answer, which has whole seconds.
func (r *remote) checkDate(date, sent, received time.Time) {
	at := r.dates.anchor.Load()
	if at == nil {
		return
	}
	earliest, latest := at.showed.Add(sent.Sub(at.answered)), at.showed.Add(received.Sub(at.asked))
	why := skewOf(date, date.Add(time.Second), earliest, latest)
	if why == nil {
		r.dates.why.Store(nil)
		return
	}
	r.dates.why.Store(&why)
	if r.dates.count.Load() {
		r.block(why)
	}
}

// skewOf says how far a ledger's clock is off that showed a time from one moment to another, between two moments of the
// database's clock; nil if it is right enough.
func skewOf(from, to, earliest, latest time.Time) error {
	switch {
	case from.Sub(latest) > ledgerSkew:
		return fmt.Errorf("its clock is %s ahead of the database's", from.Sub(latest).Round(time.Millisecond))
	case earliest.Sub(to) > ledgerSkew:
		return fmt.Errorf("its clock is %s behind the database's", earliest.Sub(to).Round(time.Millisecond))
	}
	return nil
}
