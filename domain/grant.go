package domain

import (
	"strconv"
	"time"
)

// Grant is one target as it is asked for.
type Grant struct {
	TargetID int64
	MemberID string
	Amount   int64
	Reason   string // the default already applied; "" for none
	Try      int    // the row's retry_count when it was published
	Redrive  int    // the row's redrive number; 0: not a redrive
}

// Key is the grant's idempotency key in the ledger: `grant:{event}:{member}`, the same for ever, whatever the try. It
// begins with the event, so that the keys of one campaign stand side by side in the index.
func Key(eventID int64, memberID string) string {
	return "grant:" + strconv.FormatInt(eventID, 10) + ":" + memberID
}

// Verdict sorts what the ledger made of a grant.
type Verdict int

// The verdicts.
const (
	Unknown        Verdict = iota // nobody knows whether it was applied: ask again with the same key
	Granted                       // applied, now or before
	RefusedForNow                 // definitely not applied; it may be later
	RefusedForGood                // definitely not applied, and never will be
	Contradicted                  // the ledger says something that cannot be: another amount, member, or a key of other content
)

// Outcome is what the ledger made of one grant.
type Outcome struct {
	Verdict Verdict
	TxID    string // of a Granted one
	Code    string // of any other
	Message string
	Voucher *Voucher // of a Granted voucher
}

// Voucher is what a member holds in hands. It is secret: never logged, never in a message or a job.
type Voucher struct {
	Code     string
	PIN      string
	ExpiryAt *time.Time
}
