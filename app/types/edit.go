package types

import (
	"context"
	"slices"

	"bestow/app/command"
	"bestow/app/patch"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Patch changes what an operator may say of an event type. A nil value clears the field.
type Patch struct {
	Label, Unit               patch.Change[*string]
	MaxPerMember, MaxPerEvent patch.Change[*int64]
	MaxCount                  patch.Change[*int32]
	State                     patch.Change[*domain.TypeState] // READY or RETIRED

	Was    func(Type) error // refuses a type that is not as the caller has read it; nil: any
	Unread []domain.Field   // what the caller could not read at all, to be reported with the rest
}

// Edit changes the unit, the limits, the label or the state of a type. The limits are obeyed by each import, start,
// resume and retry that begins later; what runs goes on. Errors: domain.NotFound, domain.Invalid with every offending
// field, domain.TypeNotReady for the state of a type that is being made, those of a key, and that of
// Patch.Was.
func (s *Types) Edit(ctx context.Context, by command.Caller, code string, p Patch) (command.Answer[Type], error) {
	return command.Run(ctx, s.pool, by, command.Command[Type]{
		Do: func(tx pgx.Tx) (Type, error) { return edit(ctx, tx, by, code, p) },
	})
}

func edit(ctx context.Context, tx pgx.Tx, by command.Caller, code string, p Patch) (Type, error) {
	before, err := lockType(ctx, tx, code)
	if err != nil {
		return before, err
	}
	if p.Was != nil {
		if err := p.Was(before); err != nil {
			return before, err
		}
	}
	if err := p.check(); err != nil {
		return before, err
	}
	after := p.applied(before)
	if after.State != before.State && !before.State.Made() {
		return before, domain.TypeNotReadyError(code)
	}
	if err := updateType(ctx, tx, after); err != nil {
		return after, err
	}
	return after, command.Record(ctx, tx, by, command.Change{
		Action: "type.edit", Object: objectOf(code), Before: factsOf(before), After: factsOf(after),
	})
}

func noType() error {
	return domain.NotFoundError("there is no such event type", "`bestow type list` or GET /event-types shows them")
}

// check returns domain.Invalid with every field that cannot be.
func (p Patch) check() error {
	f := domain.Faults(slices.Clone(p.Unread))
	if p.Label.Given {
		f.Add("label", checkLabel(p.Label.To))
	}
	f.Add("unit", checkUnit(p.Unit.To))
	addLimits(&f, p.MaxPerMember.To, p.MaxPerEvent.To, p.MaxCount.To)
	if p.State.Given && (p.State.To == nil || !p.State.To.Made()) {
		f.Add("state", "must be READY or RETIRED")
	}
	return refusal(f, "the event type cannot be changed like this")
}

// applied is the whole type after the patch.
func (p Patch) applied(t Type) Type {
	if p.State.To != nil {
		t.State = *p.State.To
	}
	if p.Label.Given {
		t.Label = norm.NFC.String(orZero(p.Label.To))
	}
	if p.Unit.Given {
		t.Unit = orZero(p.Unit.To)
	}
	if p.MaxPerMember.Given {
		t.Limits.PerMember = orZero(p.MaxPerMember.To)
	}
	if p.MaxPerEvent.Given {
		t.Limits.PerEvent = orZero(p.MaxPerEvent.To)
	}
	if p.MaxCount.Given {
		t.Limits.Count = int(orZero(p.MaxCount.To))
	}
	if p.MaxPerMember.Given || p.MaxPerEvent.Given || p.MaxCount.Given {
		t.Limits.Seeded = false // a person has decided
	}
	return t
}

// orZero returns the value, or the zero value for nil.
func orZero[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}
