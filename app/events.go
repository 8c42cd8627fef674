package app

import (
	"context"
	"time"

	"bestow/domain"
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
}

// EventFilter narrows a list of events, newest first.
type EventFilter struct {
	Status     domain.Status
	Type       string
	CampaignID string
	Limit      int   // 1 … 1000
	Before     int64 // only events with a smaller id; 0 for all
}

// Get returns one event. Error: domain.NotFound.
func (s *Events) Get(ctx context.Context, id int64) (domain.Event, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) (domain.Event, error) { return selectEvent(ctx, tx, id) })
}
