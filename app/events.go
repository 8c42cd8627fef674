package app

import (
	"context"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Events is the life of an event.
type Events struct{ Deps }

// NewEvent is what an operator says of an event to be made. Zero values stand for "not said".
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

// EventFilter narrows a list of events, newest first.
type EventFilter struct {
	Status     domain.Status
	Type       string
	CampaignID string
	Limit      int   // 1 or more
	Before     int64 // only events with a smaller id; 0 for all
}

// Create makes an event with its summary, PENDING, in one transaction that also keeps the answer for by's idempotency
// key. Errors: domain.Invalid with every offending field, domain.CampaignTaken, domain.MissingKeys, and those of a key.
func (s *Events) Create(ctx context.Context, by Caller, n NewEvent) (domain.Event, error) {
	n = n.normal()
	e, err := commit(ctx, s.Pool, by, failpoint.CreateBeforeCommit, failpoint.CreateAfterCommit, func(tx pgx.Tx) (domain.Event, error) {
		return s.createEvent(ctx, tx, by.Actor, n)
	})
	if pg.Violates(err, campaignKey) { // somebody else made it a moment ago
		err = s.campaignTaken(ctx, n.CampaignID)
	}
	return e, err
}

// campaignTaken says who has the campaign_id, after its unique index refused another; it may have been given up since.
func (s *Events) campaignTaken(ctx context.Context, campaignID string) error {
	err := pg.InTx(ctx, s.Pool, func(tx pgx.Tx) error { return checkCampaignFree(ctx, tx, campaignID) })
	if err == nil {
		err = &domain.Error{Code: domain.Unavailable, Message: "another event had the campaign_id until a moment ago", Hint: "ask again"}
	}
	return err
}

func (s *Events) createEvent(ctx context.Context, tx pgx.Tx, actor string, n NewEvent) (domain.Event, error) {
	types, err := selectTypes(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	now, err := databaseTime(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	if err := n.check(conditions{types: types, rule: s.Rule, now: now}); err != nil {
		return domain.Event{}, err
	}
	if s.Sealer == nil && types[n.EventType].Operation == domain.Vouchers {
		return domain.Event{}, missingKeys()
	}
	if err := checkCampaignFree(ctx, tx, n.CampaignID); err != nil {
		return domain.Event{}, err
	}
	id, err := insertEvent(ctx, tx, actor, n)
	if err != nil {
		return domain.Event{}, err
	}
	return selectEvent(ctx, tx, id)
}

// Get returns one event. Error: domain.NotFound.
func (s *Events) Get(ctx context.Context, id int64) (domain.Event, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) (domain.Event, error) { return selectEvent(ctx, tx, id) })
}

// List returns the events that f lets through, newest first, at most f.Limit of them.
func (s *Events) List(ctx context.Context, f EventFilter) ([]domain.Event, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) ([]domain.Event, error) { return selectEvents(ctx, tx, f) })
}
