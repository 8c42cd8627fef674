// Package processes lists the processes of an installation. Each keeps a row of its own: its roles, its settings, and
// what its work lacks. It also remembers which ledger each granter's name led to first.
//
// Start with Processes.Beat, which writes, and Read, which reads. Takeover gives the work of those that are gone to
// others.
package processes

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"bestow/domain"
	"bestow/outbox"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The roles without which an event stands still. A process may have others beside them.
const (
	RoleRelay   = "relay"   // from a job to Kafka
	RoleHandler = "handler" // from Kafka to a grant
	RoleJobs    = "jobs"    // the timetable
)

const (
	// AliveFor is the time that a process counts as running after it was seen last.
	AliveFor = 30 * time.Second
	// keptFor is the time that the row of a process that was killed is kept.
	keptFor = time.Hour
	// awayFor is the time that a report about a topic holds that its process does not repeat. A relay tries again every
	// five seconds, but may wait long for a Kafka that is away.
	awayFor = time.Minute
	// refusesFor is the same for a Kafka that answers at once that it refuses.
	refusesFor = 20 * time.Second
)

// Processes is the list of the running processes, in which each process keeps its own row.
type Processes struct{ pool *pgxpool.Pool }

// New returns the list that stands in the database of pool.
func New(pool *pgxpool.Pool) *Processes { return &Processes{pool} }

// Process is a running process, in its own words. Its times are the database's.
type Process struct {
	ID        string    `json:"id"` // a UUID, made anew at each start
	Roles     []string  `json:"roles"`
	Version   string    `json:"version"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	Reports   []Report  `json:"reports"`
	Life      int64     `json:"life"` // whose lock its sessions hold (pg.Presence); 0: they hold none
}

// Report holds what a process says of a thing that its work needs.
type Report struct {
	// Code says what is wrong, as the code of a reason of package reports does. "" says that nothing is: a relay says
	// so of a topic that took its last message.
	Code      domain.Code       `json:"code"`
	Text      string            `json:"text,omitempty"`
	EventType string            `json:"event_type,omitempty"` // the event type that is concerned; "": every type
	Topic     string            `json:"topic,omitempty"`      // of a word about a topic
	Ledger    string            `json:"ledger,omitempty"`     // of a word about a ledger: the granter's name
	AgeMS     int64             `json:"age_ms"`               // how long before SeenAt it was last true, in milliseconds
	Settings  Settings          `json:"settings,omitempty"`   // in one report of each process
	Granters  []string          `json:"granters,omitempty"`   // in the same one of a handler: the ledgers that it can ask
	Members   []string          `json:"members,omitempty"`    // in the same one of a handler: the ids that it has or had in consumer groups
	Consumers []outbox.Consumer `json:"consumers,omitempty"`  // in the same one of a handler: all that are in the groups of its topics
}

// At is when r was last true.
func (r Report) At(seen time.Time) time.Time {
	return seen.Add(-time.Duration(r.AgeMS) * time.Millisecond)
}

// Holds reports whether r may still be true when it is so old.
func (r Report) Holds(age time.Duration) bool {
	if r.Code == KafkaRefuses {
		return age < refusesFor
	}
	return age < awayFor
}

// Idles reports whether r says that its process works no jobs.
func (r Report) Idles() bool { return r.Code == ClockOff }

// Has reports whether p was given the role.
func (p Process) Has(role string) bool { return slices.Contains(p.Roles, role) }

// Works reports whether p does the work of the role now: with a wrong clock a process works no jobs.
func (p Process) Works(role string) bool {
	return p.Has(role) && (role == RoleHandler || !slices.ContainsFunc(p.Reports, Report.Idles))
}

// Ended reports whether p is known to be gone: it was a process of this machine, and is none any more.
func (p Process) Ended() bool {
	host, err := os.Hostname()
	return err == nil && host == p.Host && errors.Is(syscall.Kill(p.PID, 0), syscall.ESRCH)
}

// Obstacles are the reports of p that say that something is wrong, and that still hold.
func (p Process) Obstacles() []Report {
	return slices.DeleteFunc(slices.Clone(p.Reports), func(r Report) bool {
		return r.Code == "" || !r.Holds(time.Duration(r.AgeMS)*time.Millisecond)
	})
}

// Beat notes that p is alive, and what it has to say; p's times are not read. oldest reports whether no process that
// runs is older: that one speaks for all of them.
func (s *Processes) Beat(ctx context.Context, p Process) (oldest bool, err error) {
	return upsertProcess(ctx, s.pool, p)
}

// Leave forgets the process with the id, which ends.
func (s *Processes) Leave(ctx context.Context, id string) error {
	return deleteProcess(ctx, s.pool, id)
}

// Tidy forgets processes that were killed.
func (s *Processes) Tidy(ctx context.Context) error { return deleteDead(ctx, s.pool) }

// QueueOf is the River queue that a role works; "" for none.
func QueueOf(role string) string {
	switch role {
	case RoleRelay:
		return outbox.Queue
	case RoleJobs:
		return JobsQueue
	}
	return ""
}

// JobsQueue holds the jobs of the timetable.
const JobsQueue = "jobs"

// The codes of reports.
const (
	KafkaAway    domain.Code = outbox.KafkaAway
	KafkaRefuses domain.Code = outbox.KafkaRefuses
	LedgerAway   domain.Code = "ledger_away" // its breaker is open
	ClockOff     domain.Code = "clock_off"   // the process works no jobs
)

// Members are the ids that p has or had in consumer groups.
func (p Process) Members() (ids []string) {
	for _, r := range p.Reports {
		ids = append(ids, r.Members...)
	}
	return ids
}
