// Package reports says how events go: progress, the queue of lanes, results, why a member has none, and what an event
// stands still for. It changes nothing, but for the jobs by which a proof is asked for.
//
// Start with Reports.Progress. waiting.go is the one place that knows why an event stands still.
package reports

import (
	"context"
	"errors"
	"math"
	"time"

	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Reports reads how events go; it changes nothing.
type Reports struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
	rules obstacle.Rules

	followed  *shared[Progress]
	flows     *shared[Flow]
	runs      *shared[Runs]
	overviews *shared[Overview]

	stalledAfter time.Duration // how long an event that is at work may stand still before that is a reason
}

// Config holds what reports stand on.
type Config struct {
	Pool  *pgxpool.Pool
	River *river.Client[pgx.Tx] // inserts the jobs that verify; nil: none can be requested
	Rules obstacle.Rules

	ClaimLease time.Duration // the time that a claim is open; 0: 15 s or less
}

// New returns the reports of c, or an error that says what c lacks.
func New(c Config) (*Reports, error) {
	if c.Pool == nil {
		return nil, errors.New("reports need a pool")
	}
	s := &Reports{
		pool: c.Pool, river: c.River, rules: c.Rules, stalledAfter: max(leastStalled, c.ClaimLease+afterClaim),
	}
	s.followed, s.flows = newShared(s.Progress), newShared(s.Flow)
	s.runs = newShared(func(ctx context.Context, _ int64) (Runs, error) { return s.Runs(ctx) })
	s.overviews = newShared(func(ctx context.Context, _ int64) (Overview, error) { return s.Overview(ctx) })
	return s, nil
}

// Progress says how an event goes at one moment. Counts are of targets.
type Progress struct {
	Event        domain.Event
	WaitingRetry int            // refused for now: tried again by itself
	NextRetryAt  *time.Time     // the first of those; nil for none
	retryLate    bool           // it should have begun
	Unknown      int            // asked, and the outcome is not known yet
	Redriven     int            // given up, and not answered yet since a person has them tried again
	InFlight     int            // of chunks that a handler has claimed; and Redriven of an event that is COMPLETED
	RatePerS     float64        // settled a second, over the last ten seconds; 0 unless the event is RUNNING
	ETAS         int64          // seconds until all is settled at that rate; 0 where the rate is 0 or the event stands still
	Lag          Lag            // where the targets wait that are not settled
	WaitingFor   []Reason       // what it stands still for; none while it moves, and at its end
	Failures     map[string]int // given up, by error code
	Sum          Sum            // all targets, each in one part
	At           time.Time      // the moment, by the database's clock
}

// Lag holds what waits at each stage of the road. Nothing waits for the relay or in Kafka unless the event is RUNNING.
type Lag struct {
	Relay  Waiting // not published yet
	Kafka  Waiting // published, and claimed by no handler yet
	Ledger Waiting // claimed by a handler, and not settled yet
}

// Waiting counts the targets that wait at a stage, and the seconds that the first of them waits there.
type Waiting struct {
	Targets int
	OldestS float64
}

// AtRest reports whether nothing of the event moves any more: it is not RUNNING, no handler holds a claim of it, and no
// member of it is tried again.
func (p Progress) AtRest() bool { return p.Event.Status != domain.Running && p.InFlight == 0 }

// Progress reads the counters of an event and what is open of it. It touches the summary, the chunks and the results
// that are not SUCCESS, never the targets, so that it may be asked each second. Error: domain.NotFound.
func (s *Reports) Progress(ctx context.Context, id int64) (Progress, error) {
	return pg.SnapshotWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (p Progress, err error) {
		if p.At, err = pg.Now(ctx, tx); err != nil {
			return p, err
		}
		if p.Event, err = eventrow.Select(ctx, tx, id); err != nil {
			return p, err
		}
		if err := readOpenResults(ctx, tx, &p); err != nil {
			return p, err
		}
		rate, err := readChunks(ctx, tx, &p)
		if err != nil {
			return p, err
		}
		all, err := s.waitingFor(ctx, tx, []domain.Event{p.Event})
		if err != nil {
			return p, err
		}
		p.WaitingFor = all[id]
		p.Sum = sumOf(p)
		p.completeLag()
		if p.Event.Status == domain.Completed {
			p.InFlight += p.Redriven
		}
		p.addRetry()
		p.forecast(rate)
		return p, nil
	})
}

// completeLag counts what waits for the relay, and leaves out what waits for nothing because the event does not run.
func (p *Progress) completeLag() {
	p.Lag.Ledger.Targets = p.InFlight
	if p.Event.Status != domain.Running {
		p.Lag.Relay, p.Lag.Kafka = Waiting{}, Waiting{}
		return
	}
	p.Lag.Relay.Targets = p.Event.TotalCount - p.Event.Summary.Published
	if p.Lag.Relay.Targets == 0 {
		p.Lag.Relay.OldestS = 0
	}
}

// addRetry says of an event that has nothing else left that it waits for the time of its retries.
func (p *Progress) addRetry() {
	left := p.Event.Unsettled()
	if p.Event.Status != domain.Running || len(p.WaitingFor) > 0 || p.NextRetryAt == nil || left != p.WaitingRetry {
		return
	}
	at := p.NextRetryAt.UTC().Format(time.RFC3339)
	text := "what is left was refused for now, and is tried again at " + at
	if p.retryLate {
		text = "what is left was refused for now; its retry was due at " + at +
			" and begins by itself, within 90 s if a process was killed"
	}
	p.WaitingFor = []Reason{{RetryWaits, text}}
}

// forecast says how long it will take at a rate, if the event is at work at all.
func (p *Progress) forecast(rate float64) {
	if p.Event.Status != domain.Running || rate <= 0 {
		return
	}
	left := p.Event.Unsettled()
	p.RatePerS = rate
	if len(p.WaitingFor) > 0 {
		return
	}
	p.ETAS = int64(math.Ceil(float64(max(left, 0)) / rate))
}

// Sum says where all targets of an event are at one moment, each in one part: the parts add up to Total. A target that
// is in the hands of a handler is in hand, whatever was answered for it before. One that is given up stays so until a
// retry that a person asks for has ended.
type Sum struct {
	Total   int
	Granted int
	GivenUp int
	Waiting int // refused for now, and tried again by itself
	Unknown int // asked, and the outcome is not known yet
	InHand  int // claimed by a handler, and not settled yet
	InKafka int // published, and not claimed, or claimed by a handler that has gone
	Unsent  int // not published yet
}

// sumOf distributes the targets of p over the parts. What chunks say is taken first: what is in hand, which a relay may
// not have noted as published yet, and what no handler has claimed. Those who are refused or unknown are counted by
// member, and may be in hand too: so each part takes at most what the parts before it have left. The rest was claimed
// by a handler that has gone, and Kafka delivers it again.
func sumOf(p Progress) Sum {
	s := Sum{Total: p.Event.TotalCount}
	left := s.Total
	take := func(n int) int {
		n = max(0, min(n, left))
		left -= n
		return n
	}
	s.Granted = take(p.Event.Summary.Success)
	s.GivenUp = take(p.Event.Summary.Fail)
	s.InHand = take(p.InFlight)
	s.Unsent = take(s.Total - p.Event.Summary.Published)
	s.InKafka = take(p.Lag.Kafka.Targets)
	s.Unknown = take(p.Unknown)
	s.Waiting = take(p.WaitingRetry)
	s.InKafka += left
	return s
}

// Settled returns how many targets have their final outcome.
func (s Sum) Settled() int { return s.Granted + s.GivenUp }

// Left returns how many targets have none yet.
func (s Sum) Left() int { return s.Total - s.Settled() }
