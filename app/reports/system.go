package reports

import (
	"context"
	"time"

	"bestow/app/obstacle"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// System says how the installation is at one moment, by the database's clock.
type System struct {
	At        time.Time
	ReadOnly  bool                // the database takes no writes
	Processes []processes.Process // that are alive, the oldest first
	Ledgers   []Ledger            // by name
	River     River
	Brakes    []domain.Brake // that are engaged, that of all events first
	Standing  []Standing     // what events stand still for
	Behind    []Behind       // what waits in Kafka, by event type and partition
}

// Ledger is a granter that event types name, and whether its breaker is open.
type Ledger struct {
	Name string
	Away string // why a handler leaves it alone; "": none does
}

// Behind says how far handlers are behind in one partition of an event type's topic.
type Behind struct {
	EventType string
	Key       int     // of the partition, as in Partition
	Messages  int     // published, and claimed by no handler yet
	Targets   int     // of them
	OldestS   float64 // seconds that the first of them waits
}

// River holds what moves the jobs.
type River struct {
	Leader string               // the client that schedules and rescues; "": none
	Paused []string             // queues
	Oldest map[string]time.Time // by queue: since when its next job could be worked; absent where none waits
}

// System reads how the installation is: tables of a few rows, and the events that are at work with their chunks.
func (s *Reports) System(ctx context.Context) (System, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (sys System, err error) {
		now, err := processes.Read(ctx, tx)
		if err != nil {
			return sys, err
		}
		l := look{Installation: now}
		sys = System{At: l.At, ReadOnly: l.ReadOnly, Processes: l.Processes, River: River{Paused: l.Paused}}
		if sys.Brakes, err = obstacle.Brakes(ctx, tx); err != nil {
			return sys, err
		}
		if err := readRiver(ctx, tx, &sys.River); err != nil {
			return sys, err
		}
		names, err := selectGranters(ctx, tx)
		if err != nil {
			return sys, err
		}
		for _, name := range names {
			sys.Ledgers = append(sys.Ledgers, Ledger{Name: name, Away: l.away(name)})
		}
		if sys.Behind, err = readBehind(ctx, tx); err != nil {
			return sys, err
		}
		sys.Standing, err = s.standingStill(ctx, tx, l)
		return sys, err
	})
}

// away says why a handler leaves the ledger alone, "" if none does.
func (l look) away(name string) string {
	for _, r := range l.ledger(domain.EventType{Granter: name}) {
		return r.Text
	}
	return ""
}

// Working returns the processes that do the work of the role.
func (s System) Working(role string) (all []processes.Process) {
	for _, p := range s.Processes {
		if p.Works(role) {
			all = append(all, p)
		}
	}
	return all
}

// Brakes lists the engaged brakes, that of all events first.
func (s *Reports) Brakes(ctx context.Context) ([]domain.Brake, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]domain.Brake, error) { return obstacle.Brakes(ctx, tx) })
}
