package types

import (
	"context"
	"errors"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Types is the use cases of event types.
type Types struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
}

// New returns the use cases on the database of pool, or says what is missing.
func New(pool *pgxpool.Pool, rc *river.Client[pgx.Tx]) (*Types, error) {
	if pool == nil || rc == nil {
		return nil, errors.New("event types need a pool and a River client")
	}
	return &Types{pool, rc}, nil
}

// Type is an event type and how far it is.
type Type = eventrow.Type

// List returns all event types, in the order of their codes.
func (s *Types) List(ctx context.Context) ([]Type, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]Type, error) { return eventrow.AllTypes(ctx, tx) })
}

// Get returns an event type. Error: domain.NotFound.
func (s *Types) Get(ctx context.Context, code string) (Type, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (Type, error) { return selectType(ctx, tx, code) })
}

// SeedLimits gives POINT and VOUCHER wide limits where they have none, so that development needs no administrator.
func (s *Types) SeedLimits(ctx context.Context) error { return seedLimits(ctx, s.pool) }

// facts holds what the audit shows of a type.
type facts struct {
	State        domain.TypeState `json:"state"`
	Operation    domain.Operation `json:"operation"`
	Granter      string           `json:"granter"`
	Label        string           `json:"label"`
	Unit         string           `json:"unit,omitempty"`
	MaxPerMember int64            `json:"max_per_member,omitempty"`
	MaxPerEvent  int64            `json:"max_per_event,omitempty"`
	MaxCount     int              `json:"max_count,omitempty"`
}

func factsOf(t Type) facts {
	return facts{
		t.State, t.Operation, t.Granter, t.Label, t.Unit, t.Limits.PerMember, t.Limits.PerEvent, t.Limits.Count,
	}
}

// objectOf names a type for the audit.
func objectOf(code string) string { return "event type " + code }
