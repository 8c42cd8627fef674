package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/app/pins"
	"bestow/app/processes"
	"bestow/cmd/bestow/ledgers"
	"bestow/cmd/bestow/metrics"
	"bestow/cmd/bestow/settings"
	bestowhttp "bestow/http"
	"bestow/http/console/entry"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/internal/seal"
	"bestow/jobs"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"
)

// The roles of a process. Each scales by starting more processes.
const (
	RoleAPI     = "api"                 // the admin API and River UI
	RoleRelay   = processes.RoleRelay   // works the relay queue: from a job to Kafka
	RoleHandler = processes.RoleHandler // consumes Kafka: from a message to a grant
	RoleJobs    = processes.RoleJobs    // works the timetable
	RoleMoney   = "money"               // the ledger over HTTP
)

// AllRoles are the roles of a process that does everything.
var AllRoles = []string{RoleAPI, RoleRelay, RoleHandler, RoleJobs, RoleMoney}

// Process holds the parts of a process. Roles only choose which parts run. Every process has one River client that
// knows every kind of job. The parts that are exported are for who drives a process: the demo, the bench, and the tests
// of the whole.
type Process struct {
	App     *app.App
	Granter ledgers.Granter
	Money   *moneydb.Ledger // of this database
	Pool    *pgxpool.Pool
	River   *river.Client[pgx.Tx]
	Sweeper *outbox.Sweeper
	Kafka   *outbox.Kafka     // nil without a role that needs it
	Router  *outbox.Router    // nil without the role handler
	Service *moneyhttp.Server // nil without the role money, or without a token

	id           string       // a UUID, made anew at each start
	presence     *pg.Presence // nil: the process has nothing in hand that others would take over
	cfg          settings.Config
	roles        []string
	log          *slog.Logger
	with         Overrides
	clock        Clock
	installation outbox.Installation // of the database
	cluster      string              // the id of Kafka's cluster; "" without a role that needs it
	heart        *heart
	relay        *outbox.RelayWorker
	metrics      *metrics.Metrics
}

// Overrides replace parts of a process, for demo and tests.
type Overrides struct {
	Ledger  func(breaker.Ledger) breaker.Ledger // stands before the ledger; what it fails counts as the ledger's failing
	Granter func(grants.Granter) grants.Granter // wraps the ledger
	Handler func(outbox.Handler) outbox.Handler // wraps what handles a message
	Limits  func(*app.Limits)                   // changes what no setting does
	Now     func() time.Time                    // the process's clock
	Probe   time.Duration                       // the pause between two calls of a ledger that is away
	Beat    time.Duration                       // the pause between two beats of the process's heart
	Link    *entry.Link                         // signs in to the console once
}

// New connects to what the roles need. Close it when it has run.
func New(ctx context.Context, cfg settings.Config, roles []string, log *slog.Logger, with Overrides) (*Process, error) {
	p := &Process{id: newID(), cfg: cfg, roles: roles, log: log, with: with, metrics: metrics.New()}
	if p.has(RoleRelay) || p.has(RoleHandler) || p.has(RoleJobs) {
		p.presence = pg.NewPresence(p.id)
	}
	var err error
	if p.Pool, err = OpenBy(ctx, cfg, p.open); err != nil {
		return nil, err
	}
	p.clock = Clock{Pool: p.Pool, Now: time.Now}
	if with.Now != nil {
		p.clock.Now = with.Now
	}
	if err := p.wire(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// open opens a database for sessions of the process.
func (p *Process) open(ctx context.Context, url string, o pg.Options) (*pgxpool.Pool, error) {
	o.Presence = p.presence
	return pg.Open(ctx, url, o)
}

func (p *Process) has(role string) bool { return slices.Contains(p.roles, role) }

func (p *Process) wire(ctx context.Context) error {
	if err := p.checkDatabase(ctx); err != nil {
		return err
	}
	if err := processes.New(p.Pool).MayJoin(ctx, p.settings()); err != nil {
		return err
	}
	workers := river.NewWorkers()
	mayReindex, err := jobs.MayReindex(ctx, p.Pool)
	if err != nil {
		return err
	}
	queues := jobs.Queues{Relay: p.has(RoleRelay), Jobs: p.has(RoleJobs)}
	c := jobs.ClientConfig{
		ID: p.id, Pool: p.Pool, Workers: workers, Queues: queues, Log: p.log, NoReindex: !mayReindex,
	}
	if p.River, err = jobs.NewClient(c); err != nil {
		return err
	}
	if err := p.wireApp(ctx); err != nil {
		return err
	}
	if p.has(RoleRelay) || p.has(RoleHandler) || p.has(RoleJobs) {
		if err := p.wireKafka(ctx); err != nil {
			return err
		}
	}
	if err := p.wireService(); err != nil {
		return err
	}
	p.heart = newHeart(p)
	p.tellDifferences(ctx)
	return p.wireWorkers(workers)
}

func (p *Process) wireWorkers(workers *river.Workers) error {
	var err error
	p.relay, err = outbox.NewRelayWorker(outbox.RelayConfig{
		Pool: p.Pool, Kafka: p.Kafka, Close: p.App.Events.Close, Report: p.heart.vitals.took, Log: p.log,
	})
	if err != nil {
		return err
	}
	replay, err := outbox.NewReplayWorker(outbox.ReplayConfig{Pool: p.Pool, Kafka: p.Kafka, Log: p.log})
	if err != nil {
		return err
	}
	p.Sweeper, err = outbox.NewSweeper(outbox.SweeperConfig{
		Pool: p.Pool, River: p.River, Kafka: p.Kafka, ChunksAJob: p.cfg.RelayChunks, Patience: patienceWithKafka,
	})
	if err != nil {
		return err
	}
	return jobs.Register(workers, jobs.Workers{
		App: p.App, Relay: p.relay, Replay: replay, Sweeper: p.Sweeper, MakeTopics: p.Kafka.MakeTopics,
		Ledger: p.Money, ExpiryOff: p.cfg.ExpiryOff(), Found: p.metrics.Repairs.Found, Log: p.log,
	})
}

// deps returns what the use cases stand on, as far as the settings say it.
func (p *Process) deps() app.Deps {
	production := p.cfg.Env == "production"
	return app.Deps{
		Pool: p.Pool, River: p.River, Log: p.log, Limits: p.cfg.Limits(), Zone: p.cfg.TimeZone,
		WrappedKeysOnly: production, LimitsNeeded: production,
		ExpiryOff: p.cfg.ExpiryOff(), RemoteLedger: p.cfg.MoneyURL != "",
		ClaimMark: p.claimMark,
	}
}

func (p *Process) wireApp(ctx context.Context) error {
	deps := p.deps()
	if p.with.Limits != nil {
		p.with.Limits(&deps.Limits)
	}
	var err error
	deps.Company = p.cfg.Company()
	if deps.Master, err = p.cfg.Master(); err != nil {
		return err
	}
	if deps.Master != nil {
		deps.Sealer, deps.Unsealer = pins.NewSealer(deps.Master), NewUnsealer(deps.Master)
	}
	if err := p.wireMoney(ctx, deps.Master); err != nil {
		return err
	}
	if p.Granter, err = p.wireLedgers(ctx); err != nil {
		return err
	}
	deps.Granter, deps.Rule = p.Granter, p.ledgerRule()
	deps.Book = p.Granter.Book(processes.NewLedgers(p.Pool))
	if p.with.Granter != nil {
		deps.Granter = p.with.Granter(deps.Granter)
	}
	deps.Granter = p.metrics.Grants.Count(deps.Granter)
	if p.App, err = app.New(deps); err != nil {
		return err
	}
	if err := p.meetLedgers(ctx); err != nil {
		return err
	}
	// a ledger alone may not write event types
	if p.cfg.Env == "production" || slices.Equal(p.roles, []string{RoleMoney}) {
		return nil
	}
	return p.App.Types.SeedLimits(ctx)
}

// settings returns what must agree with the other processes, as far as it is known yet.
func (p *Process) settings() processes.Settings {
	s := p.cfg.Shared()
	if p.Kafka != nil {
		s[processes.TopicPrefixSetting] = p.cfg.TopicPrefix
	}
	if p.cluster != "" {
		s[processes.BrokersSetting] = p.cluster
	}
	if p.has(RoleMoney) || p.has(RoleJobs) && p.cfg.MoneyURL == "" { // which collects what members owe
		s[processes.SpendOrderSetting], s[processes.RegrantDaysSetting] = p.cfg.SpendOrder,
			strconv.Itoa(p.cfg.RegrantDays)
	}
	return s
}

// tellDifferences logs which settings differ from those of the processes that run. The heart goes on to tell.
func (p *Process) tellDifferences(ctx context.Context) {
	all, err := p.App.Processes.Differences(ctx, p.settings())
	if err != nil {
		p.log.WarnContext(ctx, "the settings were not compared with those of other processes", obs.Err, err)
	}
	for _, text := range all {
		p.log.WarnContext(ctx, "a setting differs from that of another process", obs.Cause, processes.SettingsDiffer,
			obs.Reason, text)
	}
}

// wireMoney makes the ledger of this database; master may be nil.
func (p *Process) wireMoney(ctx context.Context, master *seal.Master) (err error) {
	c := moneydb.Config{
		Pool: p.Pool, Log: p.log, Master: master, SpendOrder: money.SpendOrder(p.cfg.SpendOrder),
		RegrantDays: p.cfg.RegrantDays,
	}
	if c.Location, err = time.LoadLocation(p.cfg.TimeZone); err != nil {
		return fmt.Errorf("read BESTOW_TIME_ZONE: %w", err)
	}
	if p.Money, err = moneydb.New(c); err != nil {
		return err
	}
	return p.checkMaster(ctx)
}

// Close ends the connections of a process that has run, or that never ran.
func (p *Process) Close() {
	if p.relay != nil {
		p.relay.Close()
	}
	if p.Kafka != nil {
		if err := p.Kafka.Close(); err != nil {
			p.log.Warn("close kafka", obs.Err, err)
		}
	}
	p.Granter.Close()
	p.Pool.Close()
}

// Run works in the process's roles until stop ends or one of them fails, then lets what has begun finish.
func (p *Process) Run(stop context.Context) error {
	p.tellStart(stop)
	g, ctx := errgroup.WithContext(stop)
	g.Go(func() error { return p.heart.run(ctx) })
	if p.has(RoleRelay) || p.has(RoleJobs) { // the others only insert
		g.Go(func() error { return p.workJobs(ctx) })
	}
	if p.Kafka != nil {
		g.Go(func() error { return p.Kafka.WatchTopics(ctx, p.Pool) })
	}
	if p.has(RoleHandler) {
		g.Go(func() error { return p.Router.Run(ctx) })
	}
	if p.has(RoleHandler) || p.has(RoleJobs) { // which makes reports, and looks up in them what others granted
		p.Granter.Watch(ctx, g)
	}
	if p.has(RoleAPI) {
		g.Go(func() error { return p.serveAPI(ctx) })
	}
	if p.Service != nil {
		g.Go(func() error { return p.listen(ctx, p.cfg.MoneyAddr, p.Service) })
		if !p.has(RoleJobs) {
			g.Go(func() error {
				jobs.RunLedgerJobs(ctx, p.Money, p.cfg.ExpiryOff(), p.log)
				return nil
			})
		}
	}
	g.Go(func() error { return p.listen(ctx, p.cfg.OpsAddr, bestowhttp.NewOps(p.Ops())) })
	err := g.Wait()
	p.heart.leave(stop)
	if stop.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // asked to stop while it began
	}
	return err
}
