package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"bestow/app"
	"bestow/app/keys"
	"bestow/app/pins"
	"bestow/cmd/bestow/settings"
	bestowhttp "bestow/http"
	"bestow/internal/obs"
	"bestow/internal/seal"
	"bestow/jobs"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneyhttp"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"
	"riverqueue.com/riverui"
)

// The roles of a process. Each scales by starting more processes.
const (
	roleAPI     = "api"           // the admin API and River UI
	roleRelay   = app.RoleRelay   // works the relay queue: from a job to Kafka
	roleHandler = app.RoleHandler // consumes Kafka: from a message to a grant
	roleJobs    = app.RoleJobs    // works the timetable
	roleMoney   = "money"         // the ledger over HTTP
)

var allRoles = []string{roleAPI, roleRelay, roleHandler, roleJobs, roleMoney}

// process is what a process is made of, whatever its roles: they only choose what runs. Every process has one River
// client that knows every kind of job.
type process struct {
	id      string // a UUID, made anew at each start
	cfg     settings.Config
	roles   []string
	log     *slog.Logger
	with    overrides
	pool    *pgxpool.Pool
	clock   clock
	app     *app.App
	money   *money.Ledger // of this database
	granter granter
	river   *river.Client[pgx.Tx]
	kafka   *outbox.Kafka  // nil without a role that needs it
	cluster string         // the id of Kafka's cluster; "" without a role that needs it
	router  *outbox.Router // nil without the role handler
	net     *outbox.Sweeper
	heart   *heart
	service *moneyhttp.Server // nil without a token
}

// overrides replace parts of a process, for demo and tests.
type overrides struct {
	ledger  func(breaker.Ledger) breaker.Ledger // stands before the ledger; what it fails counts as the ledger's failing
	granter func(app.Granter) app.Granter       // wraps the ledger
	handler func(outbox.Handler) outbox.Handler // wraps what handles a message
	limits  func(*app.Limits)                   // changes what no setting does
	now     func() time.Time                    // the process's clock
	probe   time.Duration                       // the pause between two calls of a ledger that is away
	beat    time.Duration                       // the pause between two beats of the process's heart
}

// newProcess connects to what the roles need. Close it when it has run.
func newProcess(ctx context.Context, cfg settings.Config, roles []string, log *slog.Logger, with overrides) (*process, error) {
	p := &process{id: newID(), cfg: cfg, roles: roles, log: log, with: with}
	var err error
	if p.pool, err = openPool(ctx, cfg); err != nil {
		return nil, err
	}
	p.clock = clock{pool: p.pool, now: time.Now}
	if with.now != nil {
		p.clock.now = with.now
	}
	if err := p.wire(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// newUnsealer returns what opens vouchers for the proof: the results' PINs, and the ledger of this database.
func newUnsealer(master *seal.Master) pins.Unsealer {
	return pins.Unsealer{Master: master, OpenLedger: func(ctx context.Context, tx pgx.Tx) (pins.Ledger, error) {
		return money.NewAudit(ctx, tx, master)
	}}
}

func (p *process) has(role string) bool { return slices.Contains(p.roles, role) }

func (p *process) wire(ctx context.Context) error {
	if err := p.checkDatabase(ctx); err != nil {
		return err
	}
	if err := (&app.Processes{Deps: app.Deps{Pool: p.pool}}).MayJoin(ctx, p.settings()); err != nil {
		return err
	}
	workers := river.NewWorkers()
	var err error
	queues := jobs.Queues{Relay: p.has(roleRelay), Jobs: p.has(roleJobs)}
	if p.river, err = jobs.NewClient(p.id, p.pool, workers, queues, p.log); err != nil {
		return err
	}
	if err := p.wireApp(ctx); err != nil {
		return err
	}
	if p.has(roleRelay) || p.has(roleHandler) || p.has(roleJobs) {
		if err := p.wireKafka(ctx); err != nil {
			return err
		}
	}
	if err := p.wireService(); err != nil {
		return err
	}
	p.heart = newHeart(p)
	p.tellDifferences(ctx)
	relay := &outbox.RelayWorker{Pool: p.pool, Kafka: p.kafka, Close: p.app.Events.Close, Report: p.heart.vitals.took, Log: p.log}
	replay := &outbox.ReplayWorker{Pool: p.pool, Kafka: p.kafka, Log: p.log}
	p.net = &outbox.Sweeper{Pool: p.pool, River: p.river, Kafka: p.kafka, ChunksAJob: p.cfg.RelayChunks, Patience: patienceWithKafka}
	jobs.Register(workers, jobs.Workers{App: p.app, Relay: relay, Replay: replay, Sweeper: p.net,
		Ledger: p.money, ExpiryOff: p.cfg.ExpiryOff(), Log: p.log})
	return nil
}

func (p *process) wireApp(ctx context.Context) error {
	deps := app.Deps{Pool: p.pool, River: p.river, Log: p.log, Limits: p.cfg.Limits(), Zone: p.cfg.TimeZone,
		WrappedKeysOnly: p.cfg.Env == "production", LimitsNeeded: p.cfg.Env == "production", ExpiryOff: p.cfg.ExpiryOff(),
		RemoteLedger: p.cfg.MoneyURL != ""}
	if p.with.limits != nil {
		p.with.limits(&deps.Limits)
	}
	var err error
	if deps.Master, err = p.cfg.Master(); err != nil {
		return err
	}
	if deps.Master != nil {
		deps.Sealer, deps.Unsealer = pins.NewSealer(deps.Master), newUnsealer(deps.Master)
	}
	if err := p.wireMoney(ctx, deps.Master); err != nil {
		return err
	}
	if p.granter, err = p.wireLedgers(ctx); err != nil {
		return err
	}
	deps.Granter, deps.Rule = p.granter, p.ledgerRule()
	if p.with.granter != nil {
		deps.Granter = p.with.granter(deps.Granter)
	}
	p.app = app.New(deps)
	if p.has(roleHandler) {
		if err := p.meetLedgers(ctx); err != nil {
			return err
		}
	}
	if p.cfg.Env == "production" || slices.Equal(p.roles, []string{roleMoney}) { // a ledger alone may not write event types
		return nil
	}
	return p.app.Types.SeedLimits(ctx)
}

// settings returns what must agree with the other processes, as far as it is known yet.
func (p *process) settings() app.Settings {
	s := p.cfg.Shared()
	if p.kafka != nil {
		s[app.TopicPrefixSetting] = p.cfg.TopicPrefix
	}
	if p.cluster != "" {
		s[app.BrokersSetting] = p.cluster
	}
	if p.has(roleMoney) || p.has(roleJobs) && p.cfg.MoneyURL == "" { // which collects what members owe
		s[app.SpendOrderSetting], s[app.RegrantDaysSetting] = p.cfg.SpendOrder, strconv.Itoa(p.cfg.RegrantDays)
	}
	return s
}

// tellDifferences logs which settings differ from those of the processes that run. The heart goes on to tell.
func (p *process) tellDifferences(ctx context.Context) {
	all, err := p.app.Reports.Differences(ctx, p.settings())
	if err != nil {
		p.log.WarnContext(ctx, "the settings were not compared with those of other processes", obs.Err, err)
	}
	for _, text := range all {
		p.log.WarnContext(ctx, "a setting differs from that of another process", obs.Cause, app.SettingsDiffer, obs.Reason, text)
	}
}

// wireMoney makes the ledger of this database; master may be nil.
func (p *process) wireMoney(ctx context.Context, master *seal.Master) (err error) {
	c := money.Config{Pool: p.pool, Log: p.log, Master: master, SpendOrder: money.SpendOrder(p.cfg.SpendOrder), RegrantDays: p.cfg.RegrantDays}
	if c.Location, err = time.LoadLocation(p.cfg.TimeZone); err != nil {
		return fmt.Errorf("read BESTOW_TIME_ZONE: %w", err)
	}
	if p.money, err = money.New(c); err != nil {
		return err
	}
	return p.checkMaster(ctx)
}

// checkMaster refuses the process's master key, if it has one that does not open the keys in the database.
func (p *process) checkMaster(ctx context.Context) error {
	master, err := p.cfg.Master()
	if err != nil || master == nil {
		return err
	}
	return checkMaster(ctx, p.pool, master, p.money)
}

// checkMaster refuses a master key that does not open the keys in the database.
func checkMaster(ctx context.Context, pool *pgxpool.Pool, master *seal.Master, l *money.Ledger) error {
	content := keys.Store{Table: keys.Content, Master: master}
	err := errors.Join(pins.CheckMaster(ctx, pool, master), content.CheckMaster(ctx, pool), l.CheckMaster(ctx))
	if errors.Is(err, seal.ErrOpen) {
		return fmt.Errorf("BESTOW_MASTER_KEY is another key than the one that the vouchers' PINs were sealed under, "+
			"and the lists' hashes made: start with that one: %w", err)
	}
	return err
}

func (p *process) ledger(l breaker.Ledger) breaker.Ledger {
	if p.with.ledger == nil {
		return l
	}
	return p.with.ledger(l)
}

func (p *process) wireKafka(ctx context.Context) error {
	cfg := p.cfg.Kafka()
	cfg.Log = p.log
	var err error
	if cfg.Installation, err = outbox.ReadInstallation(ctx, p.pool); err != nil {
		return err
	}
	err = patiently(ctx, p.log, "kafka", func() (err error) {
		p.kafka, err = outbox.NewKafka(cfg)
		return err
	})
	if err != nil {
		return err
	}
	if err := patiently(ctx, p.log, "kafka", func() (err error) { p.cluster, err = p.kafka.ClusterID(); return err }); err != nil {
		return err
	}
	types, err := outbox.ReadyTypes(ctx, p.pool)
	if err != nil {
		return err
	}
	if err := patiently(ctx, p.log, "kafka", func() error { return p.kafka.CheckTopics(types) }); err != nil {
		return err
	}
	if p.has(roleHandler) {
		handle := outbox.Handler(p.app.Grants.Handle)
		if p.with.handler != nil {
			handle = p.with.handler(handle)
		}
		p.router, err = outbox.NewRouter(p.pool, p.kafka, outbox.RouterConfig{Handle: handle, Takes: p.granter.has, Log: p.log})
	}
	return err
}

// patienceWithKafka is how long a chunk that was published is left alone before it may count as lost.
const patienceWithKafka = time.Minute

func (p *process) close() {
	if p.kafka != nil {
		if err := p.kafka.Close(); err != nil {
			p.log.Warn("close kafka", obs.Err, err)
		}
	}
	for _, l := range p.granter {
		if l.remote != nil {
			l.remote.client.Close()
		}
	}
	p.pool.Close()
}

// run works in the process's roles until ctx ends or one of them fails, then lets what has begun finish.
func (p *process) run(stop context.Context) error {
	g, ctx := errgroup.WithContext(stop)
	g.Go(func() error { return p.heart.run(ctx) })
	if p.has(roleRelay) || p.has(roleJobs) { // the others only insert
		g.Go(func() error { return p.workJobs(ctx) })
	}
	if p.kafka != nil {
		g.Go(func() error { return p.kafka.WatchTopics(ctx, p.pool) })
	}
	if p.has(roleHandler) {
		g.Go(func() error { return p.router.Run(ctx) })
	}
	if p.has(roleHandler) {
		p.watchLedgers(ctx, g)
	}
	if p.has(roleAPI) {
		g.Go(func() error { return p.serveAPI(ctx) })
	}
	if p.service != nil {
		g.Go(func() error { return p.listen(ctx, p.cfg.MoneyAddr, p.service) })
		if !p.has(roleJobs) {
			g.Go(func() error {
				jobs.RunLedgerJobs(ctx, p.money, p.cfg.ExpiryOff(), p.log)
				return nil
			})
		}
	}
	g.Go(func() error { return p.listen(ctx, p.cfg.OpsAddr, bestowhttp.NewOps(p.ops())) })
	err := g.Wait()
	if stop.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // asked to stop while it began
	}
	return err
}

func (p *process) serveAPI(ctx context.Context) error {
	if p.cfg.AdminKey == "" {
		p.log.WarnContext(ctx, "nobody can use the API: set BESTOW_ADMIN_KEY")
	}
	if p.cfg.WeakAdminKey() {
		p.log.WarnContext(ctx, "the API key can be guessed: give BESTOW_ADMIN_KEY 24 characters or more, such as `openssl rand -hex 24`")
	}
	ui, err := p.riverUI(ctx)
	if err != nil {
		return err
	}
	return p.listen(ctx, p.cfg.Addr, bestowhttp.New(bestowhttp.Config{App: p.app, AdminKey: p.cfg.AdminKey, RiverUI: ui, Log: p.log}))
}

func (p *process) riverUI(ctx context.Context) (http.Handler, error) {
	ui, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(p.river, nil), Logger: p.log, Prefix: "/river", JobListHideArgsByDefault: false,
	})
	if err != nil {
		return nil, fmt.Errorf("make river ui: %w", err)
	}
	if err := ui.Start(ctx); err != nil {
		return nil, fmt.Errorf("start river ui: %w", err)
	}
	return ui, nil
}

// listen serves h on addr until ctx ends, then lets requests finish.
func (p *process) listen(ctx context.Context, addr string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	p.log.InfoContext(ctx, "listening", "url", "http://"+l.Addr().String())
	return bestowhttp.Serve(ctx, l, h, p.cfg.ShutdownTimeout, p.log)
}
