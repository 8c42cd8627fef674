package app

import (
	"time"

	"bestow/domain"
)

// circumstances are what a start or a resume of an event meets, whatever its lane does.
type circumstances struct {
	brake     *domain.Brake // that holds it; nil: none
	importing bool          // an import of it is under way
	largest   int64         // amount of its targets
	unserved  bool          // no handler that runs has its granter
}

// obstacle returns why e must not start or go on, nil if nothing keeps it. Starts and resumes obey it, and the queue shows
// its code.
func (d Deps) obstacle(e domain.Event, met circumstances) error {
	switch {
	case met.brake != nil:
		return met.brake.Engaged()
	case e.Type.Operation == domain.Vouchers && d.Sealer == nil:
		return missingKeys()
	case met.importing:
		return &domain.Error{Code: domain.ImportRunning, Message: "an import of this event is under way", Hint: "start it when the import is done"}
	case met.unserved:
		return granterUnknown(e.Type)
	}
	switch e.Obstacle() {
	case domain.NoTargets:
		return &domain.Error{Code: domain.NoTargets, Message: "the event has no targets", Hint: "import a member list first"}
	case domain.Expired:
		return expired(e)
	}
	if e.Unsettled() > 0 {
		if err := d.limitsRefused(e, met.largest); err != nil {
			return err
		}
	}
	return d.termsRefused(e)
}

// expired is what an event gets whose grants the ledger would all refuse, since their expiry has passed.
func expired(e domain.Event) error {
	hint := "give the event a later expiry_at, or null for never"
	if e.Status != domain.Pending {
		hint = "what was granted stays granted; make a new event for the members who got nothing"
	}
	return &domain.Error{Code: domain.Expired, Message: "the event's expiry_at has passed: " + e.ExpiryAt.UTC().Format(time.RFC3339Nano),
		Hint: hint, ExpiryAt: e.ExpiryAt}
}

// termsRefused asks the ledger's rule for what was right when the event was made, or was not asked then.
func (d Deps) termsRefused(e domain.Event) error {
	if d.Rule == nil || e.ExpiryAt == nil || e.Unsettled() == 0 {
		return nil
	}
	code, message := d.Rule(e, domain.Grant{MemberID: "m", Amount: 1}, e.CreatedAt)
	if code == "" {
		return nil
	}
	return &domain.Error{Code: domain.TermsRefused, Message: "the ledger would refuse every grant of the event: " + message,
		Hint: "edit the event, or make a new one"}
}
