package domain

import (
	"strconv"
	"time"
)

// Grant is the request to the ledger for one target.
type Grant struct {
	TargetID int64
	MemberID string
	Amount   int64
	Reason   string // the default already applied; "" for none
	Try      int    // the row's retry_count when it was published
	Redrive  int    // the row's redrive number; 0: not a redrive
}

// Key returns the grant's idempotency key in the ledger: `grant:{event}:{member}`. All tries have the same key, for
// ever. It begins with the event, so that the keys of one event stand side by side in the index.
func Key(eventID int64, memberID string) string {
	return "grant:" + strconv.FormatInt(eventID, 10) + ":" + memberID
}

// Verdict sorts the ledger's answers.
type Verdict int

// The verdicts.
const (
	Unknown        Verdict = iota // it is not known whether it was applied: ask again with the same key
	Granted                       // applied, now or before
	RefusedForNow                 // definitely not applied; it may be later
	RefusedForGood                // definitely not applied, now or later
	Contradicted                  // the ledger contradicts: another amount, member, or content of the key
)

// Outcome is the ledger's answer to one grant.
type Outcome struct {
	Verdict Verdict
	TxID    string // of a Granted one
	Code    string // of any other
	Message string
	Voucher *Voucher // of a Granted voucher
}

// Voucher is a voucher's code and PIN. It is secret: never logged, never in a message or a job.
type Voucher struct {
	Code     string
	PIN      string
	ExpiryAt *time.Time
}
