// Package gauges reads how the installation stands, in numbers for metrics. A look costs some milliseconds, and does
// not grow with the lists of members: it reads a row of each event, the chunks of events that run, and rows that are
// few where all is well. What waits for a retry is counted from an index that holds nothing settled.
package gauges

import (
	"context"
	"errors"
	"time"

	"bestow/app/obstacle"
	"bestow/app/processes"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Gauges reads the numbers of a database.
type Gauges struct{ pool *pgxpool.Pool }

// New returns the reader of pool's database, or an error without one.
func New(pool *pgxpool.Pool) (*Gauges, error) {
	if pool == nil {
		return nil, errors.New("gauges need a pool")
	}
	return &Gauges{pool}, nil
}

// State is how the installation stands at one moment.
type State struct {
	At time.Time // the moment, by the database's clock

	Events     []Events
	Waiting    []Waiting
	Partitions []Partition
	Queues     []processes.Queue
	Parked     map[string]int // messages that wait for a person, by cause
	Brakes     int            // that are engaged

	Leader   string // the River client that schedules and rescues; "": none
	Unlinked int    // rows of the audit that its chain does not hold yet
}

// Events are the events of a type that have a status.
type Events struct {
	Type, Status string
	Count        int
	Targets      int64 // of the events
	Published    int64 // of the targets
	Granted      int64 // of the targets
	GivenUp      int64 // of the targets
}

// Waiting are the members of a type's running events whose last answer was no grant, by what it was.
type Waiting struct {
	Type   string
	Status string // FAILED: refused for now; PENDING: not known yet
	Count  int64
}

// Partition is how far the running events are in a partition of Kafka.
type Partition struct {
	Topic     string
	Partition int
	Unclaimed int64   // targets that are published, and that no handler has claimed yet
	BehindS   float64 // seconds that the first of them waits
	OpenS     float64 // seconds that a handler has had the message that it has had longest without an answer
}

// Read reads how the installation stands.
func (g *Gauges) Read(ctx context.Context) (State, error) {
	return pg.SnapshotWithin(ctx, g.pool, pg.ReadWait, func(tx pgx.Tx) (s State, err error) {
		if s.At, err = pg.Now(ctx, tx); err != nil {
			return s, err
		}
		if s.Events, err = collect[Events](ctx, tx, "events", eventsSQL); err != nil {
			return s, err
		}
		if s.Waiting, err = readWaiting(ctx, tx); err != nil {
			return s, err
		}
		if s.Partitions, err = collect[Partition](ctx, tx, "partitions", partitionsSQL); err != nil {
			return s, err
		}
		if s.Unlinked, err = readUnlinked(ctx, tx); err != nil {
			return s, err
		}
		return s, s.readShared(ctx, tx)
	})
}

// readShared reads what others read in the same way.
func (s *State) readShared(ctx context.Context, tx pgx.Tx) (err error) {
	if s.Queues, err = processes.Queues(ctx, tx); err != nil {
		return err
	}
	if s.Leader, err = processes.Leader(ctx, tx); err != nil {
		return err
	}
	if s.Parked, err = outbox.CountParked(ctx, tx); err != nil {
		return err
	}
	brakes, err := obstacle.Brakes(ctx, tx)
	s.Brakes = len(brakes)
	return err
}
