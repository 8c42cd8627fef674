package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"bestow/app"
	"bestow/domain"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Run is what one run took.
type Run struct {
	Kind    string        `json:"kind"`
	Round   int           `json:"round"`
	Import  time.Duration `json:"import_ns"` // from the opened list to targets, chunks and jobs
	Grant   time.Duration `json:"run_ns"`    // from there to COMPLETED
	Targets int           `json:"targets"`
	WAL     int64         `json:"wal_bytes"`
	HOT     float64       `json:"hot_percent"` // of the updates of targets
	CPU     time.Duration `json:"go_cpu_ns"`   // of this process
	Memory  int64         `json:"rss_bytes"`   // the peak over idle, of this process; -1 where the system does not say
	Exact   bool          `json:"exact"`       // what verify says
	Wrong   []string      `json:"wrong,omitempty"`
}

// Total is the whole run.
func (r Run) Total() time.Duration { return r.Import + r.Grant }

// Rate is targets a second.
func (r Run) Rate() float64 { return float64(r.Targets) / r.Total().Seconds() }

// caller is who asks.
var caller = app.Caller{Actor: "bench"}

// contestant is one kind of run, ready to go.
type contestant interface {
	load(ctx context.Context) error  // the list becomes targets
	grant(ctx context.Context) error // targets become grants
	stop() error
}

// run measures one run, on a database of its own that is dropped in the end.
func (s *server) run(ctx context.Context, kind string, round int) (r Run, err error) {
	name, at, err := s.fresh(ctx, kind)
	if err != nil {
		return r, err
	}
	defer func() {
		if dropped := s.drop(context.WithoutCancel(ctx), name); err == nil {
			err = dropped
		}
	}()
	pool, err := openOwn(ctx, at)
	if err != nil {
		return r, err
	}
	defer pool.Close()
	event, err := createEvent(ctx, pool)
	if err != nil {
		return r, err
	}
	r = Run{Kind: kind, Round: round, Targets: s.Members}
	if err := s.clock(ctx, at, event, &r); err != nil {
		return r, err
	}
	if r.HOT, err = hotUpdates(ctx, pool, event, s.Members); err != nil {
		return r, err
	}
	return r, r.verify(ctx, pool, event)
}

// openOwn opens a pool for what is asked before the clock starts and after it has stopped.
func openOwn(ctx context.Context, at string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(at)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	c.MaxConns = 4
	c.ConnConfig.RuntimeParams["application_name"] = "bench"
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return pool, nil
}

// createEvent makes the event, before any clock is started.
func createEvent(ctx context.Context, pool *pgxpool.Pool) (domain.Event, error) {
	amount := int64(defaultAmount)
	return app.New(app.Deps{Pool: pool}).Events.Create(ctx, caller, app.NewEvent{
		CampaignID: "bench", EventType: "POINT", DefaultAmount: &amount, DefaultReason: defaultReason,
	})
}

// clock makes a contestant ready, lets it go, and stops it.
func (s *server) clock(ctx context.Context, at string, event domain.Event, r *Run) error {
	c, err := s.contestant(ctx, r.Kind, at, event)
	if err != nil {
		return err
	}
	err = s.timed(ctx, c, r)
	if stopped := c.stop(); err == nil {
		err = stopped
	}
	return err
}

func (s *server) contestant(ctx context.Context, kind, at string, event domain.Event) (contestant, error) {
	if kind == Pipeline {
		return s.openPipeline(ctx, at, event)
	}
	return s.openFloor(ctx, at, event)
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

// verify asks the product's own verify about the event.
func (r *Run) verify(ctx context.Context, pool *pgxpool.Pool, event domain.Event) error {
	reports := &app.Reports{Deps: app.Deps{Pool: pool}}
	v, err := reports.Verify(ctx, app.VerifyQuery{Event: "id:" + strconv.FormatInt(event.ID, 10)})
	if err != nil {
		return err
	}
	want := int64(r.Targets)
	r.Exact = v.OK && v.Totals.Targets == want && v.Totals.Success == want
	for _, i := range v.Invariants {
		if !i.OK {
			r.Wrong = append(r.Wrong, i.ID+" "+i.Statement+": "+i.Compared)
		}
	}
	return nil
}
