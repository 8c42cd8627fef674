package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/internal/keys"
	"bestow/internal/pg"
	"bestow/internal/seal"
	"bestow/jobs"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Run holds what one run took.
type Run struct {
	Row     string        `json:"row"`
	Kind    string        `json:"kind"`
	Round   int           `json:"round"`
	Import  time.Duration `json:"import_ns"` // from the opened list to targets, chunks and jobs
	Grant   time.Duration `json:"run_ns"`    // from there to COMPLETED
	Targets int           `json:"targets"`
	WAL     int64         `json:"wal_bytes"`
	HOT     float64       `json:"hot_percent"` // of the updates of targets
	CPU     time.Duration `json:"go_cpu_ns"`   // of this process
	Memory  int64         `json:"rss_bytes"`   // the peak over idle, of this process; -1 where the system does not say
	Exact   bool          `json:"exact"`       // what verify says; of a rival, what its own check says
	Wrong   []string      `json:"wrong,omitempty"`
	Uses    *Uses         `json:"uses,omitempty"`  // of the kind Use alone
	Pages   *Pages        `json:"pages,omitempty"` // of the kind Page alone
}

// Total is the whole run.
func (r Run) Total() time.Duration { return r.Import + r.Grant }

// Rate is targets a second.
func (r Run) Rate() float64 { return float64(r.Targets) / r.Total().Seconds() }

// caller says who asks.
var caller = command.Caller{Actor: "bench"}

// runOf is a run that is to be measured.
type runOf struct {
	row, kind string
	round     int
	members   int
	how       Variant
}

// contestant is one kind of run, ready to go.
type contestant interface {
	load(ctx context.Context) error  // the list becomes targets
	grant(ctx context.Context) error // targets become grants
	stop() error
}

// arena says where a run takes place: a database of its own.
type arena struct {
	runOf
	at   string // its address
	pool *pgxpool.Pool
	// master opens the keys of what was granted; nil: they lie in the database as they are.
	master *seal.Master
	// events are made before any clock is started; there is one at least.
	events []domain.Event
}

// table returns where the run's targets are.
func (a *arena) table() string {
	if e := a.events[0]; a.kind == Floor || a.kind == Pipeline || a.kind == Redelivery {
		return e.Type.TargetTable() + "_" + strconv.FormatInt(e.ID, 10)
	}
	return a.events[0].Type.TargetTable() + "_default"
}

// run measures one run, on a database of its own that is dropped in the end.
func (s *server) run(ctx context.Context, o runOf) (r Run, err error) {
	name, at, err := s.fresh(ctx, o.kind)
	if err != nil {
		return r, err
	}
	defer func() {
		if dropped := s.drop(context.WithoutCancel(ctx), name); err == nil {
			err = dropped
		}
	}()
	pool, err := openOwn(ctx, at, 4)
	if err != nil {
		return r, err
	}
	defer pool.Close()
	a := &arena{runOf: o, at: at, pool: pool, master: s.Master}
	if a.events, err = createEvents(ctx, pool, o); err != nil {
		return r, err
	}
	r = Run{Row: o.row, Kind: o.kind, Round: o.round, Targets: o.members}
	if err := s.clock(ctx, a, &r); err != nil {
		return r, err
	}
	err = s.judge(ctx, a, &r)
	return r, err
}

// judge asks the database what the clock could not see, and whether the run ended exact.
func (s *server) judge(ctx context.Context, a *arena, r *Run) (err error) {
	if a.kind == Page || a.kind == Use {
		return nil // it has looked for itself
	}
	if r.HOT, err = hotUpdates(ctx, a.pool, a.table(), a.members); err != nil {
		return err
	}
	if a.kind == Outbox || a.kind == Jobs {
		r.Wrong, err = checkRival(ctx, a.pool, a.events[0].ID, a.members)
		r.Exact = err == nil && len(r.Wrong) == 0
		return err
	}
	return r.verify(ctx, a)
}

// openOwn opens a pool for what is asked before the clock starts and after it has stopped.
func openOwn(ctx context.Context, at string, connections int32) (*pgxpool.Pool, error) {
	c, err := pg.Config(at, pg.Options{MaxConns: connections})
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	c.ConnConfig.RuntimeParams["application_name"] = "bench"
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return pool, nil
}

// createEvents makes the run's events, before any clock is started.
func createEvents(ctx context.Context, pool *pgxpool.Pool, o runOf) ([]domain.Event, error) {
	n := 1
	if o.kind == Small {
		n = (o.members + smallMembers - 1) / smallMembers
	}
	inserter, err := jobs.NewInserter(pool)
	if err != nil {
		return nil, err
	}
	use, err := app.New(app.Deps{Pool: pool, River: inserter})
	if err != nil {
		return nil, err
	}
	amount := int64(defaultAmount)
	events := make([]domain.Event, n)
	for i := range events {
		made, err := use.Events.Create(ctx, caller, app.NewEvent{
			CampaignID: "bench-" + strconv.Itoa(i), EventType: "POINT", DefaultAmount: &amount,
			DefaultReason: defaultReason,
		})
		if err != nil {
			return nil, err
		}
		events[i] = made.Value
	}
	return events, nil
}

// clock makes a contestant ready, lets it go, and stops it.
func (s *server) clock(ctx context.Context, a *arena, r *Run) error {
	c, err := s.contestant(ctx, a, r)
	if err != nil {
		return err
	}
	err = s.timed(ctx, c, r)
	if stopped := c.stop(); err == nil {
		err = stopped
	}
	return err
}

func (s *server) contestant(ctx context.Context, a *arena, r *Run) (contestant, error) {
	switch a.kind {
	case Pipeline:
		return s.openPipeline(ctx, a)
	case Small:
		return s.openSmall(ctx, a)
	case Redelivery:
		return s.openAgain(ctx, a)
	case Page:
		return s.openPage(ctx, a, r)
	case Use:
		return s.openUse(ctx, a, r)
	case Outbox, Jobs:
		return s.openRival(ctx, a)
	}
	return s.openFloor(ctx, a)
}

func (s *server) timed(ctx context.Context, c contestant, r *Run) error {
	if err := s.exec(ctx, `CHECKPOINT`); err != nil {
		return err
	}
	debug.FreeOSMemory() // what the run before left behind is not this one's
	m, err := s.startMeter(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := c.load(ctx); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	r.Import = time.Since(began)
	began = time.Now()
	if err := c.grant(ctx); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	r.Grant = time.Since(began)
	return m.stop(ctx, r)
}

// why is the first that an invariant found.
func why(i verify.Invariant) string {
	switch {
	case len(i.Examples) > 0:
		return ": " + i.Examples[0]
	case len(i.NotCompared) > 0:
		return ": " + i.NotCompared[0].Why
	}
	return ""
}

// verify asks the product's own verify about the event, or about all if there are more.
func (r *Run) verify(ctx context.Context, a *arena) error {
	query := verify.Query{}
	if len(a.events) == 1 {
		query.Event = "id:" + strconv.FormatInt(a.events[0].ID, 10)
	}
	verifier, err := verify.New(verify.Config{Pool: a.pool, Keys: keys.Store{Table: keys.Content, Master: a.master}})
	if err != nil {
		return err
	}
	v, err := verifier.Verify(ctx, query)
	if err != nil {
		return err
	}
	want := int64(r.Targets)
	r.Exact = v.OK && v.Totals.Targets == want && v.Totals.Success == want
	for _, i := range v.Invariants {
		if !i.OK {
			r.Wrong = append(r.Wrong, i.ID+" "+i.Statement+": "+i.Compared+why(i))
		}
	}
	return nil
}
