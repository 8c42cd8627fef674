package money

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxAmount is the most points of one movement: it is exact as a number of JSON.
const MaxAmount = 1_000_000_000_000_000

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
	if r := checkWhose(i.Key, i.MemberID); r.code != "" {
		return r
	}
	switch {
	case !usableAmount(i.Amount):
		return badAmount
	case !text(i.Reason, maxReason):
		return refusal{BadReason, "the reason cannot be stored: it must be text of at most 500 characters"}
	case !name(i.TypeCode, maxTypeCode):
		return refusal{BadTypeCode, "the type code cannot be used: " + usable + "10 characters"}
	case !text(i.Ref, maxRef) || k == Vouchers && strings.TrimSpace(i.Ref) == "":
		return refusal{BadRef, "the ref cannot be stored: it must be text of at most 100 characters, and a voucher needs one"}
	case i.ExpiryAt != nil && i.ExpiryAt.In(loc).Year() > lastYear:
		return refusal{BadExpiry, "the expiry is after the year 9999 in the ledger's time zone; leave it out for never"}
	case k == Vouchers && i.Policy != "":
		return refusal{UnknownPolicy, "policies are of points: leave it out for a voucher"}
	}
	return refusal{}
}

// What is said of several calls.
var (
	badKey      = refusal{BadKey, "the idempotency key cannot be used: " + usable + "200 characters"}
	reservedKey = refusal{BadKey, "the idempotency key begins with a word that the ledger keeps for its own movements: use another"}
	badMember   = refusal{BadMember, "the member id cannot be used: it must be text in the normal form NFC without control characters " +
		"and characters that change the direction, without a blank at either end, not empty and not over 50 characters"}
	noPolicy  = refusal{UnknownPolicy, "there is no such policy"}
	badAmount = refusal{BadAmount, "the amount is not a whole number from 1 to 1,000,000,000,000,000"}
)

// ourKeys are the beginnings of the keys of movements that the ledger makes itself.
var ourKeys = []string{"expire:", "regrant:", "claim:", "collect:"}

const (
	// CampaignCode is the type code of the grants of campaigns, whose ref is the event's id: `bestow verify` knows them by both.
	CampaignCode = "CM"
	// campaignKeys is how the keys of a campaign's grants begin.
	campaignKeys = "grant:"
)

// installationKeys is how they begin in a ledger that may grant for several installations.
var installationKeys = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:` + campaignKeys)

// ofCampaign reports whether key is that of a campaign's grant.
func ofCampaign(key string) bool {
	return strings.HasPrefix(key, campaignKeys) || installationKeys.MatchString(key)
}

// begins reports whether key begins with one of words.
func begins(key string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(key, word) })
}

// checkMovement returns why a movement other than a grant cannot be asked for, whatever it does. Its key must not take that of
// a campaign's grant.
func checkMovement(key, memberID, reason string) refusal {
	if r := checkWhose(key, memberID); r.code != "" {
		return r
	}
	if ofCampaign(key) {
		return reservedKey
	}
	if !text(reason, maxReason) {
		return refusal{BadReason, "the reason cannot be stored: it must be text of at most 500 characters"}
	}
	return refusal{}
}

// checkWhose returns why nothing can stand under key, or belong to the member.
func checkWhose(key, memberID string) refusal {
	switch {
	case !usableKey(key):
		return badKey
	case begins(key, ourKeys):
		return reservedKey
	case !memberName(memberID):
		return badMember
	}
	return refusal{}
}

func usableAmount(amount int64) bool { return amount >= 1 && amount <= MaxAmount }

// refused returns r as an error, nil if it refuses nothing.
func (r refusal) refused() error {
	if r.code == "" {
		return nil
	}
	return &Refusal{Code: r.code, Message: r.message}
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

// memberName reports whether s can be the id of a member: two ids that look the same must be the same.
func memberName(s string) bool {
	if !name(s, maxMember) || strings.TrimSpace(s) != s {
		return false
	}
	for n := range len(s) {
		if s[n] >= utf8.RuneSelf {
			return norm.NFC.IsNormalString(s) && !strings.ContainsFunc(s, changesDirection)
		}
	}
	return true
}

func changesDirection(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// name says whether s can identify something.
func name(s string, limit int) bool {
	return text(s, limit) && strings.TrimSpace(s) != "" && strings.IndexFunc(s, unicode.IsControl) < 0
}

// text says whether PostgreSQL takes s: its text has no NUL.
func text(s string, limit int) bool {
	return utf8.ValidString(s) && (len(s) <= limit || utf8.RuneCountInString(s) <= limit) && strings.IndexByte(s, 0) < 0
}
