package app

import (
	"context"
	"log/slog"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/listkey"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Events is the life of an event.
type Events struct {
	pool        *pgxpool.Pool
	river       *river.Client[pgx.Tx]
	keys        listkey.Keys
	rules       obstacle.Rules
	log         *slog.Logger
	relayChunks int
}

// NewEvent holds what an operator says of an event to be made. Zero values stand for "not said".
type NewEvent struct {
	CampaignID          string
	EventType           string
	DefaultReason       string
	DefaultAmount       *int64
	ExpiryAt            *time.Time
	Partitions          *int
	ReservationAt       *time.Time
	ReservationPriority *int
	Unread              []domain.Field // what the caller could not read at all, to be reported with the rest
}

// amount is the default amount, 0 for none.
func (n NewEvent) amount() int64 {
	if n.DefaultAmount == nil {
		return 0
	}
	return *n.DefaultAmount
}

// Create makes an event with its summary, PENDING, in one transaction that also keeps the answer for by's idempotency
// key. Errors: domain.Invalid with every offending field, domain.CampaignTaken, domain.MissingKeys, and those of a key.
func (s *Events) Create(ctx context.Context, by command.Caller, n NewEvent) (domain.Event, error) {
	n = n.normal()
	e, err := command.Run(ctx, s.pool, by, command.Command[domain.Event]{
		Before: failpoint.CreateBeforeCommit, After: failpoint.CreateAfterCommit,
		Do: func(tx pgx.Tx) (domain.Event, error) { return s.createEvent(ctx, tx, by.Actor, n) },
	})
	if pg.Violates(err, campaignKey) { // another request made it a moment ago
		err = s.campaignTaken(ctx, n.CampaignID)
	}
	return e, err
}

// campaignTaken says who has the campaign_id, after its unique index refused another; it may have been given up since.
func (s *Events) campaignTaken(ctx context.Context, campaignID string) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return checkCampaignFree(ctx, tx, campaignID) })
	if err == nil {
		err = &domain.Error{Code: domain.Unavailable, Message: "another event had the campaign_id until a moment ago",
			Hint: "ask again"}
	}
	return err
}

func (s *Events) createEvent(ctx context.Context, tx pgx.Tx, actor string, n NewEvent) (domain.Event, error) {
	types, err := eventrow.Types(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	now, err := pg.Now(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	if err := n.check(conditions{types: types, rule: s.rules.Ledger, now: now}); err != nil {
		return domain.Event{}, err
	}
	if !s.rules.SealsPINs && types[n.EventType].Operation == domain.Vouchers {
		return domain.Event{}, obstacle.MissingKeys()
	}
	if err := checkCampaignFree(ctx, tx, n.CampaignID); err != nil {
		return domain.Event{}, err
	}
	id, err := insertEvent(ctx, tx, actor, n)
	if err != nil {
		return domain.Event{}, err
	}
	return eventrow.Select(ctx, tx, id)
}

// Get returns one event. Error: domain.NotFound.
func (s *Events) Get(ctx context.Context, id int64) (domain.Event, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (domain.Event, error) { return eventrow.Select(ctx, tx, id) })
}

// List returns the events that f lets through, newest first, at most f.Limit of them.
func (s *Events) List(ctx context.Context, f eventrow.Filter) ([]domain.Event, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]domain.Event, error) { return eventrow.List(ctx, tx, f) })
}
