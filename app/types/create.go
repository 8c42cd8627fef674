package types

import (
	"context"

	"bestow/app/command"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/failpoint"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// NewType holds what is said of a type to be made.
type NewType struct {
	Code, Label, Granter      string
	Operation                 domain.Operation
	Unit                      *string
	MaxPerMember, MaxPerEvent *int64
	MaxCount                  *int32

	Unread []domain.Field // what the caller could not read at all, to be reported with the rest
}

// Create keeps what a type is, and asks for the job that gives it tables and topics; until then its state is CREATING.
// Errors: domain.Invalid with every offending field, TypeReserved, TypeExists, GranterUnknown unless a handler that
// runs has its ledger, and those of a key.
func (s *Types) Create(ctx context.Context, by command.Caller, n NewType) (command.Answer[Type], error) {
	n.Label = norm.NFC.String(n.Label)
	return command.Run(ctx, s.pool, by, command.Command[Type]{
		Before: failpoint.TypeBeforeCommit, After: failpoint.TypeAfterCommit,
		Do: func(tx pgx.Tx) (Type, error) { return s.create(ctx, tx, by, n) },
		OnReplay: func(tx pgx.Tx) (Type, error) {
			return selectType(ctx, tx, n.Code)
		},
	})
}

func (s *Types) create(ctx context.Context, tx pgx.Tx, by command.Caller, n NewType) (t Type, err error) {
	if err := n.check(); err != nil {
		return t, err
	}
	if why := domain.ReservedTypeCode(n.Code); why != "" {
		return t, domain.TypeReservedError(n.Code, why)
	}
	t = n.whole()
	unserved, err := processes.IsUnserved(ctx, tx, t.EventType)
	if err != nil {
		return t, err
	}
	if unserved {
		return t, domain.GranterUnknownError(t.EventType)
	}
	made, err := insertType(ctx, tx, t)
	if err != nil {
		return t, err
	}
	if !made {
		return t, domain.TypeExistsError(n.Code)
	}
	taken, err := tablesTaken(ctx, tx, t)
	if err != nil {
		return t, err
	}
	if taken {
		return t, domain.TypeReservedError(n.Code, "the database has tables of that name")
	}
	if _, err := s.river.InsertTx(ctx, tx, MakeArgs{}, nil); err != nil {
		return t, err
	}
	return t, command.Record(ctx, tx, by, command.Change{
		Action: "type.create", Object: objectOf(n.Code), After: factsOf(t),
	})
}

// check returns domain.Invalid with every field that cannot be.
func (n NewType) check() error {
	f := domain.Faults(n.Unread)
	if !domain.ValidTypeCode(n.Code) {
		f.Add("event_type", "must be a capital letter and up to 19 capital letters, digits and _, as in COUPON")
	}
	if n.Operation != domain.Points && n.Operation != domain.Vouchers {
		f.Add("operation", "must be points or vouchers")
	}
	f.Add("granter", checkGranter(n.Granter))
	f.Add("label", checkLabel(&n.Label))
	f.Add("unit", checkUnit(n.Unit))
	addLimits(&f, n.MaxPerMember, n.MaxPerEvent, n.MaxCount)
	return refusal(f, "the event type cannot be made like this")
}

// whole is the type that n makes.
func (n NewType) whole() Type {
	t := domain.EventType{
		Code: n.Code, Label: n.Label, Granter: n.Granter, Operation: n.Operation, Unit: orZero(n.Unit),
		Limits: domain.TypeLimits{
			PerMember: orZero(n.MaxPerMember), PerEvent: orZero(n.MaxPerEvent), Count: int(orZero(n.MaxCount)),
		},
	}
	t.Topic = t.TopicName()
	return Type{EventType: t, State: domain.TypeCreating}
}
