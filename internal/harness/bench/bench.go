package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bestow/app"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says what is measured, and where.
type Config struct {
	// AdminURL is a database of the server, for a role that may create databases and CHECKPOINT. Nothing is written
	// into it: the benchmark's databases are its own, and dropped.
	AdminURL string
	// Dir is an existing folder for the member list.
	Dir string
	// Members is the number of targets that an event has; at least as many as get a partition of their own.
	Members int
	// Rounds is the number of times that floor, pipeline, pipeline, floor are run, and each rival.
	Rounds int
	// Rows are the names of what is measured, in the order of [Rows]; none: what is measured by default.
	Rows []string
	// RivalMembers is the number of targets that a rival has, of the same list.
	RivalMembers int
	// Brokers is the Kafka of the product and of the rivals, Partitions how many a rival's topic gets: those of the
	// product.
	Brokers    []string
	Partitions int
	// Kafka says in a few words which Kafka that is, for the report.
	Kafka string
	// Connections is the number of connections of the floor; 0: one for each core.
	Connections int
	// Open opens a pool as the product does, of that many connections.
	Open func(ctx context.Context, url string, connections int) (*pgxpool.Pool, error)
	// Start starts the product in all its roles on the database at url, with topics of that prefix.
	Start func(ctx context.Context, url, prefix string, how Variant) (*Product, error)
	// Master is the product's master key; nil: it has none.
	Master *seal.Master
	// Chunk is the most targets of a message, Run the most chunks of a relay job: what the product is configured with.
	Chunk, Run int
	// UseFor is the time that each pace of uses is taken; 0: 5 s.
	UseFor time.Duration
	// Began is called with the machine and the server before the first run. It may be nil.
	Began func(Report)
	// Progress is called with each run when it is over. It may be nil.
	Progress func(Run)
}

// Variant says how the product is started otherwise than by default.
type Variant struct {
	// Delay puts each answer of the broker off.
	Delay bool
	// Handlers is in how many processes messages are handled, each topic having as many partitions; 0: in one.
	Handlers int
	// Ledger lets the ledger be a process of its own, which is asked over HTTP.
	Ledger bool
	// Gate, if it is not nil, holds every message back until it is closed.
	Gate <-chan struct{}
}

// Product is the product at work.
type Product struct {
	App *app.App
	// Ready reports whether its consumers were given their partitions. Error: that of a process which has ended.
	Ready func() (bool, error)
	// Handled is the number of grants that its handlers were given, and are done with.
	Handled func() int64
	// Stop ends it and returns what it failed with, if it did.
	Stop func() error
}

// The kinds of runs.
const (
	Floor    = "floor"
	Pipeline = "pipeline"
	Outbox   = "outbox" // a rival: a row of an outbox for each target
	Jobs     = "jobs"   // a rival: a River job for each target
)

// ErrNotExact says that a run's numbers are not what verify accepts.
var ErrNotExact = errors.New("a run did not end exact")

// Measure prepares a database, measures all rows and returns what was measured. Error: ErrNotExact.
func Measure(ctx context.Context, c Config) (r Report, err error) {
	s, err := openServer(ctx, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	r = Report{
		Began: time.Now().UTC(), Members: c.Members, Machine: thisMachine(), Commit: thisCommit(ctx),
		Kafka: c.Kafka,
	}
	if r.Server, err = s.describe(ctx); err != nil {
		return r, err
	}
	if c.Began != nil {
		c.Began(r)
	}
	for _, row := range rows {
		if !slices.Contains(c.measured(), row.Name) {
			continue
		}
		if err := s.measure(ctx, row, &r); err != nil {
			return r, fmt.Errorf("measure %s: %w", row.Name, err)
		}
	}
	return r, r.exact()
}

// exact returns ErrNotExact if a run was not.
func (r Report) exact() error {
	for _, run := range r.Runs {
		if !run.Exact {
			return fmt.Errorf("%w: %s of row %s, round %d: %s", ErrNotExact, run.Kind, run.Row, run.Round,
				strings.Join(run.Wrong, "; "))
		}
	}
	return nil
}

// until asks done every few milliseconds.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// closeAll closes c and keeps its error beside err.
func closeAll(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
