package money

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The codes of refusals and conflicts. They are wire format: never renamed.
const (
	BadKey      = "bad_key"
	BadMember   = "bad_member"
	BadAmount   = "bad_amount"
	BadReason   = "bad_reason"
	BadTypeCode = "bad_type_code"
	BadRef      = "bad_ref"
	BadExpiry   = "bad_expiry" // it cannot be stored
	Expired     = "expired"    // by the database's clock
	KeyConflict = "key_conflict"
)

// The widths of the columns, in characters, and the last year for which expiry_date has digits.
const (
	maxKey      = 200
	maxMember   = 50
	maxReason   = 500
	maxTypeCode = 10
	maxRef      = 100
	lastYear    = 9999
)

const usable = "it must be text without control characters, not blank and not over "

// refusal is why an item cannot be; the zero value: it can.
type refusal struct{ code, message string }

// check returns why i can never be granted, whatever the time. It is asked only about items whose key is not in the
// ledger: a grant that was applied is replayed, whatever has become of the rules.
func check(i *Item, k Kind, loc *time.Location) refusal {
	switch {
	case !usableKey(i.Key):
		return refusal{BadKey, "the idempotency key cannot be used: " + usable + "200 characters"}
	case !name(i.MemberID, maxMember):
		return refusal{BadMember, "the member id cannot be used: " + usable + "50 characters"}
	case i.Amount <= 0:
		return refusal{BadAmount, "the amount is not positive"}
	case !text(i.Reason, maxReason):
		return refusal{BadReason, "the reason cannot be stored: it must be text of at most 500 characters"}
	case !name(i.TypeCode, maxTypeCode):
		return refusal{BadTypeCode, "the type code cannot be used: " + usable + "10 characters"}
	case !text(i.Ref, maxRef) || k == Vouchers && strings.TrimSpace(i.Ref) == "":
		return refusal{BadRef, "the ref cannot be stored: it must be text of at most 100 characters, and a voucher needs one"}
	case i.ExpiryAt != nil && i.ExpiryAt.In(loc).Year() > lastYear:
		return refusal{BadExpiry, "the expiry is after the year 9999 in the ledger's time zone; leave it out for never"}
	}
	return refusal{}
}

// Check returns why the ledger would refuse i at now, by its code and message; both are empty if it would not. It looks at
// nothing that is stored: a grant that was applied is replayed whatever Check says.
func (l *Ledger) Check(k Kind, i Item, now time.Time) (code, message string) {
	r := checkAt(&i, k, l.Location, now)
	return r.code, r.message
}

// checkAt adds what depends on the time, by the database's clock.
func checkAt(i *Item, k Kind, loc *time.Location, now time.Time) refusal {
	if r := check(i, k, loc); r.code != "" || !expired(i, now) {
		return r
	}
	return refusal{Expired, "the expiry has passed"}
}

func expired(i *Item, now time.Time) bool { return i.ExpiryAt != nil && !i.ExpiryAt.After(now) }

// usableKey says whether key can stand in the ledger, and so be looked for.
func usableKey(key string) bool { return name(key, maxKey) }

// name says whether s can identify something.
func name(s string, limit int) bool {
	return text(s, limit) && strings.TrimSpace(s) != "" && strings.IndexFunc(s, unicode.IsControl) < 0
}

// text says whether PostgreSQL takes s: its text has no NUL.
func text(s string, limit int) bool {
	return utf8.ValidString(s) && (len(s) <= limit || utf8.RuneCountInString(s) <= limit) && strings.IndexByte(s, 0) < 0
}
