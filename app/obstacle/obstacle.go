// Package obstacle says what keeps an event from starting or going on: a brake, an import, a limit of its type, a
// ledger that would refuse. Starts and resumes obey it, and reports tell of it.
//
// Start with Rules.Refuse.
package obstacle

import (
	"context"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// Rules say what keeps an event from starting or going on.
type Rules struct {
	Ledger LedgerRule // nil: no ledger's rules are known
	// SealsPINs says that there is a master key. Without one voucher events are refused.
	SealsPINs bool
	// LimitsNeeded lets nothing start whose event type lacks a limit: in production.
	LimitsNeeded bool
}

// LedgerRule returns why the ledger that grants e would refuse g at now, by its code and message; both are empty if it
// would not, and where nothing is known of the ledger's rules before it is asked. It is the ledger's own rule, so that
// what an event says of its grants is refused when the event is made, and not member by member when it runs.
type LedgerRule func(e domain.Event, g domain.Grant, now time.Time) (code domain.Code, message string)

// Met holds what a start or a resume of an event meets, whatever its lane does.
type Met struct {
	Brake     *domain.Brake // that holds it; nil: none
	Importing bool          // an import of it is under way
	Largest   int64         // amount of its targets
	Unserved  bool          // no handler that runs has its granter
}

// Refuse returns why e must not start or go on, nil if nothing keeps it. Starts and resumes obey it, and the queue
// shows its code.
func (r Rules) Refuse(e domain.Event, met Met) error {
	switch {
	case met.Brake != nil:
		return met.Brake.Engaged()
	case e.Type.Operation == domain.Vouchers && !r.SealsPINs:
		return MissingKeys()
	case met.Importing:
		return domain.ImportRunningError("an import of this event is under way", "start it when the import is done")
	case met.Unserved:
		return domain.GranterUnknownError(e.Type)
	}
	switch e.Obstacle() {
	case domain.NoTargets:
		return domain.NoTargetsError()
	case domain.Expired:
		return expired(e)
	}
	if e.Unsettled() > 0 {
		if err := r.LimitsRefused(e, met.Largest); err != nil {
			return err
		}
	}
	return r.termsRefused(e)
}

// expired returns what an event gets whose grants the ledger would all refuse, since their expiry has passed.
func expired(e domain.Event) error {
	hint := "give the event a later expiry_at, or null for never"
	if e.Status != domain.Pending {
		hint = "what was granted stays granted; make a new event for the members who got nothing"
	}
	return domain.ExpiredError(*e.ExpiryAt, hint)
}

// termsRefused asks the ledger's rule for what was right when the event was made, or was not asked then.
func (r Rules) termsRefused(e domain.Event) error {
	if r.Ledger == nil || e.ExpiryAt == nil || e.Unsettled() == 0 {
		return nil
	}
	code, message := r.Ledger(e, domain.Grant{MemberID: "m", Amount: 1}, e.CreatedAt)
	if code == "" {
		return nil
	}
	return domain.TermsRefusedError(message)
}

// limitsHint says who can let an event pass that its type's limits refuse.
const limitsHint = "check the amounts and their unit; only an administrator can raise the limit: `bestow type set`"

// Largest returns the largest amount of the event's targets; 0 where its type has no limit for it.
func Largest(ctx context.Context, tx pgx.Tx, e domain.Event) (int64, error) {
	if e.Type.Limits.PerMember == 0 {
		return 0, nil
	}
	largest, inexact, err := LargestAmounts(ctx, tx, []int64{e.ID})
	if err != nil || !inexact[e.ID] {
		return largest[e.ID], err
	}
	return largestTarget(ctx, tx, e)
}

// LimitsRefused refuses an event that passes a limit of its type, which may have been lowered since the import, and in
// production one whose type lacks a limit. largest is the largest amount of its targets.
func (r Rules) LimitsRefused(e domain.Event, largest int64) error {
	lacks := "has no " + strings.Join(e.Type.Limits.Missing(), ", ")
	if e.Type.Limits.Seeded {
		lacks = "has only the limits that development gives"
	}
	if r.LimitsNeeded && (e.Type.Limits.Seeded || len(e.Type.Limits.Missing()) > 0) {
		return domain.LimitsMissingError(e.Type.Code, lacks)
	}
	over := e.Type.CheckTotals(e.TotalCount, e.TotalAmount)
	if e.Type.CheckAmount(largest) != "" {
		over = &domain.OverLimit{Limit: "max_per_member", Most: e.Type.Limits.PerMember, Asked: largest}
	}
	if over == nil {
		return nil
	}
	return OverLimit(domain.PassesLimit, e.Type, over, "the event")
}

// OverLimit says which limit is passed by what, and by how much.
func OverLimit(code domain.Code, t domain.EventType, over *domain.OverLimit, what string) error {
	asked, most := t.Quantity(over.Asked), t.Quantity(over.Most)
	if over.Limit == "max_count" {
		asked, most = english.Count(over.Asked, "target"), english.Number(over.Most)
	}
	about := map[string]string{
		"max_per_member": "has a target with ", "max_per_event": "comes to ",
		"max_count": "has ",
	}[over.Limit]
	return domain.OverLimitError(code, what+" "+about+asked+": "+over.Limit+" of "+t.Code+" is "+most, limitsHint, over)
}

// Engaged reads the brake that holds the events of a type, nil for none; where there are two, that of all events. What
// decides by it has the lock of moves.
func Engaged(ctx context.Context, tx pgx.Tx, typeCode string) (*domain.Brake, error) {
	brakes, err := Brakes(ctx, tx)
	if err != nil {
		return nil, err
	}
	return Holding(brakes, typeCode), nil
}

// Holding is the first of the brakes that holds the events of the type, nil for none.
func Holding(brakes []domain.Brake, typeCode string) *domain.Brake {
	for _, b := range brakes {
		if b.Scope.Covers(typeCode) {
			return &b
		}
	}
	return nil
}

// MissingKeys returns what a voucher event gets without a master key.
func MissingKeys() error {
	return domain.MissingKeysError("voucher PINs cannot be sealed without a master key",
		"set BESTOW_MASTER_KEY to 32 random bytes in base64 and restart")
}

// MissedText says what becomes of an event whose moment passed before it had a list.
const MissedText = "reservation_at passed before the event had a list, so it does not start by itself: start it, " +
	"or give it another reservation_at"
