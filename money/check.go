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

// MaxKey is the most characters of an idempotency key.
const MaxKey = 200

// The widths of the other columns, in characters, and the last year for which expiry_date has digits.
const (
	maxMember   = 50
	maxReason   = 500
	maxTypeCode = 10
	maxRef      = 100
	lastYear    = 9999
)

const usable = "it must be text without control characters, not blank and not over "

// Check returns why i can never be granted, whatever the time. It is asked only about items whose key is not in the
// ledger: a grant that was applied is replayed, even if the rules have changed.
func (i *Item) Check(k Kind, loc *time.Location) *Refusal {
	if r := checkWhose(i.Key, i.MemberID); r != nil {
		return r
	}
	switch {
	case !usableAmount(i.Amount):
		return errBadAmount
	case !text(i.Reason, maxReason):
		return &Refusal{
			Code:    BadReason,
			Message: "the reason cannot be stored: it must be text of at most 500 characters",
		}
	case !name(i.TypeCode, maxTypeCode):
		return &Refusal{Code: BadTypeCode, Message: "the type code cannot be used: " + usable + "10 characters"}
	case !text(i.Ref, maxRef) || k == Vouchers && strings.TrimSpace(i.Ref) == "":
		return &Refusal{
			Code:    BadRef,
			Message: "the ref cannot be stored: it must be text of at most 100 characters, and a voucher needs one",
		}
	case i.ExpiryAt != nil && i.ExpiryAt.In(loc).Year() > lastYear:
		return &Refusal{
			Code:    BadExpiry,
			Message: "the expiry is after the year 9999 in the ledger's time zone; leave it out for never",
		}
	case k == Vouchers && i.Policy != "":
		return &Refusal{Code: UnknownPolicy, Message: "policies are of points: leave it out for a voucher"}
	}
	return nil
}

// What is said of several calls.
var (
	errBadKey      = &Refusal{Code: BadKey, Message: "the idempotency key cannot be used: " + usable + "200 characters"}
	errReservedKey = &Refusal{
		Code:    BadKey,
		Message: "the idempotency key begins with a word that the ledger keeps for its own movements: use another",
	}
	errBadMember = &Refusal{
		Code: BadMember,
		Message: "the member id cannot be used: it must be text in the normal form NFC without control characters " +
			"and characters that change the direction, without a blank at either end, " +
			"not empty and not over 50 characters",
	}
	// ErrNoPolicy is the refusal of a policy that does not exist.
	ErrNoPolicy  = &Refusal{Code: UnknownPolicy, Message: "there is no such policy"}
	errBadAmount = &Refusal{
		Code:    BadAmount,
		Message: "the amount is not a whole number from 1 to 1,000,000,000,000,000",
	}
)

// ourKeys are the beginnings of the keys of movements that the ledger makes itself.
var ourKeys = []string{"expire:", "regrant:", "claim:", "collect:"}

const (
	// CampaignCode is the type code of the grants of campaigns, whose ref is the event's id: `bestow verify` knows them
	// by both.
	CampaignCode = "CM"
	// CampaignKeys says how the keys of a campaign's grants begin.
	CampaignKeys = "grant:"
)

// installationKeys says how they begin in a ledger that may grant for several installations.
var installationKeys = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:` + CampaignKeys)

// OfCampaign reports whether key is that of a campaign's grant.
func OfCampaign(key string) bool {
	return strings.HasPrefix(key, CampaignKeys) || installationKeys.MatchString(key)
}

// begins reports whether key begins with one of words.
func begins(key string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(key, word) })
}

// checkMovement returns why a movement other than a grant cannot be requested. Its key must not take that of a
// campaign's grant.
func checkMovement(key, memberID, reason string) *Refusal {
	if r := checkWhose(key, memberID); r != nil {
		return r
	}
	if OfCampaign(key) {
		return errReservedKey
	}
	if !text(reason, maxReason) {
		return &Refusal{
			Code:    BadReason,
			Message: "the reason cannot be stored: it must be text of at most 500 characters",
		}
	}
	return nil
}

// checkWhose returns why nothing can stand under key, or belong to the member.
func checkWhose(key, memberID string) *Refusal {
	switch {
	case !UsableKey(key):
		return errBadKey
	case begins(key, ourKeys):
		return errReservedKey
	case !memberName(memberID):
		return errBadMember
	}
	return nil
}

func usableAmount(amount int64) bool { return amount >= 1 && amount <= MaxAmount }

// CheckAt is Check, and adds what depends on the time, by the database's clock.
func (i *Item) CheckAt(k Kind, loc *time.Location, now time.Time) *Refusal {
	if r := i.Check(k, loc); r != nil || !i.Expired(now) {
		return r
	}
	return &Refusal{Code: Expired, Message: "the expiry has passed"}
}

// Expired reports whether the expiry of i has passed at now.
func (i *Item) Expired(now time.Time) bool { return i.ExpiryAt != nil && !i.ExpiryAt.After(now) }

// UsableKey reports whether key can stand in the ledger, and so be looked for.
func UsableKey(key string) bool { return name(key, MaxKey) }

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

// name reports whether s can identify something.
func name(s string, limit int) bool {
	return text(s, limit) && strings.TrimSpace(s) != "" && strings.IndexFunc(s, unicode.IsControl) < 0
}

// text reports whether PostgreSQL takes s: its text has no NUL.
func text(s string, limit int) bool {
	return utf8.ValidString(s) && (len(s) <= limit || utf8.RuneCountInString(s) <= limit) && strings.IndexByte(s, 0) < 0
}

// checkCause returns why a movement that a person or a shop asks for cannot have this cause: it has to say one.
func checkCause(typeCode, ref string) *Refusal {
	if !name(typeCode, maxTypeCode) {
		return &Refusal{Code: BadTypeCode, Message: "the type code cannot be used: " + usable + "10 characters"}
	}
	return checkRef(ref)
}

func checkRef(ref string) *Refusal {
	if !text(ref, maxRef) || strings.TrimSpace(ref) == "" {
		return &Refusal{
			Code:    BadRef,
			Message: "the ref is missing or cannot be stored: it must be text of 1 to 100 characters",
		}
	}
	return nil
}

// CheckSave returns why i, which is no grant, can never be saved by its key, member, reason, type code and ref. Check
// looks at the rest.
func (i *Item) CheckSave() *Refusal {
	if r := checkMovement(i.Key, i.MemberID, i.Reason); r != nil {
		return r
	}
	if i.TypeCode == "" && i.Policy != "" {
		return checkRef(i.Ref) // the policy may have a type code
	}
	return checkCause(i.TypeCode, i.Ref)
}

// CheckMember returns why nothing can belong to the member.
func CheckMember(id string) *Refusal {
	if !memberName(id) {
		return errBadMember
	}
	return nil
}

// StorableRef reports whether ref can stand in a row.
func StorableRef(ref string) bool { return text(ref, maxRef) }

// StorablePolicy reports whether code can stand in a row.
func StorablePolicy(code string) bool { return text(code, maxPolicy) }
