package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"
)

// Types is the use cases of event types.
type Types struct{ pool *pgxpool.Pool }

// TypePatch changes what an operator may say of an event type. A nil value clears the field.
type TypePatch struct {
	Label, Unit               Change[*string]
	MaxPerMember, MaxPerEvent Change[*int64]
	MaxCount                  Change[*int32]
	Unread                    []domain.Field // what the caller could not read at all, to be reported with the rest
}

// List returns the event types that may be used, in the order of their codes.
func (s *Types) List(ctx context.Context) ([]domain.EventType, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]domain.EventType, error) { return eventrow.ListTypes(ctx, tx) })
}

// Edit changes the unit, the limits or the label of a type. The limits are obeyed by each import, start, resume and
// retry that begins later; what runs goes on. Errors: domain.NotFound, domain.Invalid with every offending field, and
// those of a key.
func (s *Types) Edit(ctx context.Context, by command.Caller, code string, p TypePatch) (domain.EventType, error) {
	return command.Run(ctx, s.pool, by, command.Command[domain.EventType]{
		Do: func(tx pgx.Tx) (domain.EventType, error) { return editType(ctx, tx, by, code, p) },
	})
}

func editType(
	ctx context.Context, tx pgx.Tx, by command.Caller, code string, p TypePatch,
) (domain.EventType, error) {
	if !domain.ValidTypeCode(code) {
		return domain.EventType{}, noType()
	}
	if _, err := tx.Exec(ctx, `SELECT FROM event_types WHERE code = $1 FOR UPDATE`, code); err != nil {
		return domain.EventType{}, err
	}
	types, err := eventrow.Types(ctx, tx)
	if err != nil {
		return domain.EventType{}, err
	}
	before, known := types[code]
	if !known {
		return before, noType()
	}
	if err := p.check(); err != nil {
		return before, err
	}
	after := p.applied(before)
	if err := updateType(ctx, tx, after); err != nil {
		return after, err
	}
	return after, command.Record(ctx, tx, by, command.Change{
		Action: "type.edit", Object: "event type " + code, Before: factsOfType(before), After: factsOfType(after),
	})
}

func noType() error {
	return domain.NotFoundError("there is no such event type", "`bestow type list` or GET /event-types shows them")
}

// SeedLimits gives POINT and VOUCHER wide limits where they have none, so that development needs no administrator.
func (s *Types) SeedLimits(ctx context.Context) error { return seedLimits(ctx, s.pool) }

// maxLabel is the most characters of a type's label.
const maxLabel = 100

// check returns domain.Invalid with every field that cannot be.
func (p TypePatch) check() error {
	f := fields(slices.Clone(p.Unread))
	if p.Label.Given {
		f.add("label", checkLabel(p.Label.To))
	}
	if p.Unit.To != nil && !domain.ValidUnit(*p.Unit.To) {
		f.add("unit", "must be 1 to 10 capital letters, as in P or KRW, or null for none")
	}
	for name, most := range map[string]*int64{
		"max_per_member": p.MaxPerMember.To, "max_per_event": p.MaxPerEvent.To,
		"max_count": widened(p.MaxCount.To),
	} {
		if most != nil && *most < 1 {
			f.add(name, "must be 1 or more, or null for none")
		}
	}
	if len(f) == 0 {
		return nil
	}
	slices.SortFunc(f, func(a, b domain.Field) int { return strings.Compare(a.Name, b.Name) })
	return domain.InvalidError("the event type cannot be changed like this", "correct the fields that are named", f...)
}

func checkLabel(label *string) string {
	if label == nil || *label == "" {
		return "is missing"
	}
	return domain.CheckText(norm.NFC.String(*label), maxLabel)
}

func widened(n *int32) *int64 {
	if n == nil {
		return nil
	}
	wide := int64(*n)
	return &wide
}

// applied is the whole type after the patch.
func (p TypePatch) applied(t domain.EventType) domain.EventType {
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

// updateType writes what an operator may change of a type.
func updateType(ctx context.Context, tx pgx.Tx, t domain.EventType) error {
	const update = `UPDATE event_types SET label = $2, unit = nullif($3, ''), max_per_member = nullif($4::bigint, 0),
			max_per_event = nullif($5::bigint, 0), max_count = nullif($6::int, 0), limits_seeded = $7, updated_at = now()
		WHERE code = $1`
	if _, err := tx.Exec(ctx, update, t.Code, t.Label, t.Unit, t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count,
		t.Limits.Seeded); err != nil {
		return fmt.Errorf("update event type %s: %w", t.Code, err)
	}
	return nil
}

// seedLimits gives the types of the first migrations wide limits, where they have none at all.
func seedLimits(ctx context.Context, pool *pgxpool.Pool) error {
	const update = `UPDATE event_types SET max_per_member = 10000000, max_per_event = 1000000000000, max_count = 100000000, limits_seeded = true
		WHERE code IN ('POINT', 'VOUCHER') AND coalesce(max_per_member, max_per_event, max_count) IS NULL`
	if _, err := pool.Exec(ctx, update); err != nil {
		return fmt.Errorf("seed limits of event types: %w", err)
	}
	return nil
}
