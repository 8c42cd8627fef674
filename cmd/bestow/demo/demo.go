package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/console/entry"
	"bestow/internal/embedkafka"
	"bestow/internal/embedpg"
	"bestow/internal/obs"
	"bestow/internal/ownfiles"
	"bestow/internal/seal"
	"bestow/migrations"

	"golang.org/x/term"
)

// Cmd is `bestow demo`.
type Cmd struct {
	Members *int    `help:"Members who get points (default: 100000, with --chaos 500000); a tenth as many get vouchers."`
	Chaos   bool    `help:"Run the service as five processes. Every few seconds, kill -9 one of them, all five, or PostgreSQL."`
	Kills   *int    `help:"With --chaos, the number of kills (default: 6). If the events complete earlier, the demo makes more events."`
	Seed    *uint64 `help:"With --chaos, the seed of the kills: the same seed repeats them (default: a new one each time)."`
	Exit    bool    `xor:"end" help:"Exit after the proof; the exit code is 0 only if the proof holds."`
	Stay    bool    `xor:"end" help:"Keep running after the proof, with the API and River UI."`
}

// Help says which servers are used.
func (Cmd) Help() string {
	return `It starts its own PostgreSQL and its own Kafka broker. To use other servers, set DATABASE_URL or KAFKA_BROKERS. The
database must be empty or contain only the events of a demo, because the points that the demo grants stay in it.`
}

// Run shows the main job with nothing set up: a PostgreSQL and a broker of its own, two events, and the proof.
func (c *Cmd) Run(ctx context.Context, t *terminal.Terminal) error {
	killer, err := c.check()
	if err != nil {
		return err
	}
	d := &demo{
		out: t.Out, screen: t.Screen, chaos: killer, stays: c.stays(),
		watched: term.IsTerminal(int(os.Stdout.Fd())),
	}
	err = d.start(ctx)
	if err != nil {
		return err
	}
	defer d.stop()
	running, stopRunning := context.WithCancel(ctx)
	defer stopRunning()
	ran := make(chan error, 1)
	go func() { ran <- d.process.Run(running) }()
	shown := make(chan error, 1)
	go func() { shown <- d.show(running, c.members()) }()
	select {
	case err = <-shown:
	case err = <-ran:
		stopRunning()
		<-shown //nolint:errcheck // it was interrupted; until then it may be starting what stop ends
		return errors.Join(errors.New("the service ended before the demo"), err)
	}
	if err == nil && d.stays {
		d.lookAround()
		<-ctx.Done()
	}
	stopRunning()
	return errors.Join(err, <-ran)
}

// check refuses flags that do not fit, and returns what kills processes, or nil.
func (c *Cmd) check() (*chaos, error) {
	if !c.Chaos && (c.Kills != nil || c.Seed != nil) {
		return nil, terminal.Usage("--kills and --seed say who is killed: give --chaos too")
	}
	if n := c.members(); n < 10 || n > 5_000_000 {
		return nil, terminal.Usage("--members is %d: it must be 10 to 5000000", n)
	}
	if !c.Chaos {
		return nil, nil
	}
	return c.killer()
}

// members returns how many get points: with --chaos so many that there is something to hit.
func (c *Cmd) members() int {
	switch {
	case c.Members != nil:
		return *c.Members
	case c.Chaos:
		return 500_000
	}
	return 100_000
}

func (c *Cmd) killer() (*chaos, error) {
	kills, seed := 6, rand.Uint64N(1_000_000) // short enough to be typed again
	if c.Kills != nil {
		kills = *c.Kills
	}
	if c.Seed != nil {
		seed = *c.Seed
	}
	if kills < 1 || kills > 1000 {
		return nil, terminal.Usage("--kills is %d: it must be 1 to 1000", kills)
	}
	return newChaos(seed, kills), nil
}

func (c *Cmd) stays() bool {
	return c.Stay || !c.Exit && term.IsTerminal(int(os.Stdout.Fd()))
}

// demo is a whole installation: in one process, or with --chaos in several.
type demo struct {
	out      io.Writer
	screen   terminal.Screen // what out is shown on
	cfg      settings.Config
	dir      string
	log      *slog.Logger
	logFile  *os.File
	postgres *embedpg.Server
	broker   *embedkafka.Server
	process  *daemon.Process
	link     *entry.Link // signs in to the console; nil with --chaos, whose processes are others
	chaos    *chaos      // nil if no process is killed
	stays    bool        // after the proof
	watched  bool        // out is a person's terminal
}

// logName is the file of the demo's own log.
const logName = "demo.log"

// start starts what the demo needs, or nothing if it returns an error.
func (d *demo) start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			d.stop()
		}
	}()
	if err := refuseProduction(os.Getenv("BESTOW_ENV")); err != nil {
		return err
	}
	if d.cfg, err = settings.Load(); err != nil {
		return err
	}
	if err := d.openFolder(ctx); err != nil {
		return err
	}
	if d.chaos == nil {
		d.sayLogs()
	}
	if err := d.startServers(ctx); err != nil {
		return err
	}
	if err := d.awaitKafka(ctx); err != nil {
		return err
	}
	if err := migrations.Up(ctx, d.cfg.DatabaseURL); err != nil {
		return err
	}
	if d.chaos == nil {
		with := demoOverrides()
		d.link = entry.NewLink(d.cfg.AdminKey)
		with.Link = d.link
		d.process, err = daemon.New(ctx, d.cfg, daemon.AllRoles, d.log, with)
		return err
	}
	// it makes events and proves them
	if d.process, err = daemon.New(ctx, d.cfg, nil, d.log, daemon.Overrides{}); err != nil {
		return err
	}
	return d.chaos.start(ctx, d)
}

func (d *demo) sayLogs() {
	what, path := d.logs()
	d.aside(what, "%s", path)
}

// openFolder finds the demo's folder, its log, its keys and its ports.
func (d *demo) openFolder(ctx context.Context) (err error) {
	if d.dir, err = d.cfg.OpenDataDir("demo"); err != nil {
		return err
	}
	if d.logFile, err = os.OpenFile(filepath.Join(d.dir, logName), os.O_CREATE|os.O_WRONLY|os.O_TRUNC,
		0o600); err != nil {
		return fmt.Errorf("open the demo's log: %w", err)
	}
	d.log = slog.New(slog.NewTextHandler(d.logFile, nil))
	daemon.TakeStandardLog(d.log)
	if d.cfg.MasterKey == "" {
		if d.cfg.MasterKey, err = keep(filepath.Join(d.dir, "master.key"), seal.GenerateMaster); err != nil {
			return err
		}
	}
	if d.cfg.AdminKey == "" {
		if d.cfg.AdminKey, err = keep(filepath.Join(d.dir, "admin.key"), settings.NewAdminKey); err != nil {
			return err
		}
	}
	if err := d.openLedger(ctx); err != nil {
		return err
	}
	if d.cfg.Addr, err = d.freeAddr(ctx, "API", "BESTOW_ADDR", d.cfg.Addr); err != nil {
		return err
	}
	d.cfg.OpsAddr, err = d.freeAddr(ctx, "Health", "BESTOW_OPS_ADDR", d.cfg.OpsAddr)
	return err
}

// openLedger finds the token and the port of the demo's ledger, so that `bestow member` can ask it.
func (d *demo) openLedger(ctx context.Context) (err error) {
	if d.cfg.MoneyToken == "" {
		if d.cfg.MoneyToken, err = keep(filepath.Join(d.dir, "money.token"), settings.NewAdminKey); err != nil {
			return err
		}
	}
	d.cfg.MoneyAddr, err = d.freeAddr(ctx, "Ledger", "BESTOW_MONEY_ADDR", d.cfg.MoneyAddr)
	return err
}

// keep reads the secret at path, or makes it and keeps it there.
func keep(path string, make func() string) (string, error) {
	err := ownfiles.SecretFile(path)
	var body []byte
	if err == nil {
		body, err = os.ReadFile(path) //nolint:gosec // a path of our own making
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	if kept := strings.TrimSpace(string(body)); kept != "" { // empty: the one who made it was killed
		return kept, nil
	}
	secret := make()
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep %s: %w", path, err)
	}
	return secret, nil
}

// startServers starts what the environment does not name, and says which servers are used.
func (d *demo) startServers(ctx context.Context) error {
	if err := d.openDatabase(ctx); err != nil {
		return err
	}
	return d.openBroker(ctx)
}

func (d *demo) openDatabase(ctx context.Context) error {
	if d.cfg.DatabaseURL != "" {
		return d.checkDatabase(ctx)
	}
	began := time.Now()
	d.aside("PostgreSQL", "starting one of its own …")
	if err := d.startPostgres(ctx, 0); err != nil {
		return err
	}
	d.cfg.DatabaseURL = d.postgres.URL
	d.aside("PostgreSQL", "%s of its own, ready after %.1f s", d.postgres.Version, time.Since(began).Seconds())
	return nil
}

func (d *demo) openBroker(ctx context.Context) (err error) {
	if len(d.cfg.Brokers) > 0 {
		d.aside("Kafka", "%s, named by KAFKA_BROKERS; its topics %s.*", strings.Join(d.cfg.Brokers, ","),
			d.cfg.TopicPrefix)
		return nil
	}
	if d.broker, err = embedkafka.Start(ctx,
		embedkafka.Options{Dir: filepath.Join(d.dir, "kafka"), Log: d.log}); err != nil {
		return err
	}
	d.cfg.Brokers = d.broker.Brokers
	d.aside("Kafka", "an embedded broker at %s", d.broker.Brokers[0])
	return nil
}

// startPostgres starts the demo's own PostgreSQL on a port, 0 for any.
func (d *demo) startPostgres(ctx context.Context, port int) error {
	s, err := embedpg.Start(ctx, embedpg.Options{
		Dir: filepath.Join(d.dir, "postgres"), Log: d.log, Port: port,
		OnFetch: func(version, folder string) {
			d.aside("PostgreSQL", "%s is downloaded, once, into %s …", version, folder)
		},
	})
	if err != nil {
		return err
	}
	d.postgres = s
	return nil
}

// stop ends what was started, in reverse.
func (d *demo) stop() {
	if d.chaos != nil {
		d.chaos.stop()
	}
	if d.process != nil {
		d.process.Close()
	}
	if d.broker != nil {
		d.broker.Close()
	}
	if d.postgres != nil {
		if err := d.postgres.Stop(context.Background()); err != nil {
			d.log.Error("stop postgresql", obs.Err, err)
		}
	}
	if d.logFile != nil {
		_ = d.logFile.Close() // a log of a demo
	}
}

// refuseProduction keeps the demo out of an installation that members use.
func refuseProduction(env string) error {
	if env != "production" {
		return nil
	}
	return domain.InvalidError("BESTOW_ENV is production, and the demo grants points to members that it makes up",
		"unset BESTOW_ENV, DATABASE_URL and KAFKA_BROKERS: the demo brings all that it needs")
}
