package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bestow/app"
	"bestow/domain"
	"bestow/internal/bench"
	"bestow/internal/embedkafka"
	"bestow/internal/embedpg"
	"bestow/migrations"

	"github.com/jackc/pgx/v5/pgxpool"
)

type benchCmd struct {
	Measure benchMeasureCmd `cmd:"" default:"withargs" help:"Measure (what bench does if nothing else is said)."`
	Broker  benchBrokerCmd  `cmd:"" hidden:"" help:"Be the broker of a bench."`
}

type benchMeasureCmd struct {
	format

	Members int `default:"1000000" help:"Members of the event; at least 100000, from which on an import has a partition of its own."`
	Rounds  int `default:"3" help:"How often floor, pipeline, pipeline, floor are run."`
}

// Run measures the pipeline beside its floor, with servers of its own where the environment names none. It fails unless
// every run ended exact.
func (c *benchMeasureCmd) Run(ctx context.Context, t *terminal) error {
	if least := app.DefaultLimits().OwnPartition; c.Members < least || c.Members > bench.MostMembers {
		return usage("--members is %d: it must be %d to %d", c.Members, least, bench.MostMembers)
	}
	if c.Rounds < 1 {
		return usage("--rounds is %d: it must be 1 or more", c.Rounds)
	}
	cfg, err := loadConfig()
	if err != nil {
		return err
	}
	b := &bencher{cfg: cfg}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}
	config := b.config(c.Members, c.Rounds)
	if c.Output != "json" {
		config.Began = func(r bench.Report) { fmt.Fprintf(t.out, "%s\nPostgreSQL %s\n\n", r.Machine, r.Server) }
		config.Progress = func(r bench.Run) { fmt.Fprintf(t.out, "round %d  %s\n", r.Round, r) }
	}
	report, err := bench.Measure(ctx, config)
	report.Medians = report.Sum()
	return errors.Join(err, c.print(t, report, func() error { return report.Write(t.out) }))
}

// bencher has the servers of a bench, and starts the product on them.
type bencher struct {
	cfg      config
	dir      string
	log      *slog.Logger
	logFile  *os.File
	postgres *embedpg.Server
	broker   *brokerProcess
}

func (b *bencher) start(ctx context.Context) (err error) {
	if b.dir, err = b.cfg.dataDir(); err != nil {
		return err
	}
	b.dir = filepath.Join(b.dir, "bench")
	if err := os.MkdirAll(b.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL, which does not run as root, must reach its folder inside
		return fmt.Errorf("make the bench's folder: %w", err)
	}
	if b.logFile, err = os.Create(filepath.Join(b.dir, "bench.log")); err != nil {
		return fmt.Errorf("open the bench's log: %w", err)
	}
	b.log = slog.New(slog.NewTextHandler(b.logFile, nil))
	b.cfg.Addr, b.cfg.OpsAddr = "127.0.0.1:0", "127.0.0.1:0"
	if b.cfg.AdminKey == "" {
		b.cfg.AdminKey = newAdminKey()
	}
	if b.cfg.DatabaseURL == "" {
		if b.postgres, err = embedpg.Start(ctx, embedpg.Options{Dir: filepath.Join(b.dir, "postgres"), Log: b.log}); err != nil {
			return err
		}
		b.cfg.DatabaseURL = b.postgres.URL
	}
	if len(b.cfg.Brokers) == 0 {
		if b.broker, err = startBroker(ctx, filepath.Join(b.dir, "kafka")); err != nil {
			return err
		}
		b.cfg.Brokers = []string{b.broker.addr}
	}
	return nil
}

// stop ends what was started, in reverse.
func (b *bencher) stop() {
	if b.broker != nil {
		b.broker.stop()
		if err := os.RemoveAll(filepath.Join(b.dir, "kafka")); err != nil {
			b.log.Error("remove the broker's data", "err", err)
		}
	}
	if b.postgres != nil {
		if err := b.postgres.Stop(context.Background()); err != nil {
			b.log.Error("stop postgresql", "err", err)
		}
	}
	if b.logFile != nil {
		_ = b.logFile.Close() // a log of a bench
	}
}

func (b *bencher) config(members, rounds int) bench.Config {
	return bench.Config{
		AdminURL: b.cfg.DatabaseURL, Dir: b.dir, Members: members, Rounds: rounds,
		Chunk: b.cfg.MessageTargets, Run: b.cfg.RelayChunks,
		Open: b.open, Start: b.product,
	}
}

func (b *bencher) open(ctx context.Context, url string, connections int) (*pgxpool.Pool, error) {
	cfg := b.cfg
	cfg.DatabaseURL, cfg.MaxConns = url, connections
	return openPool(ctx, cfg)
}

// product starts a process with all roles, as serve does, on a database and topics of its own.
func (b *bencher) product(ctx context.Context, url, prefix string) (*bench.Product, error) {
	cfg := b.cfg
	cfg.DatabaseURL, cfg.TopicPrefix = url, prefix
	return startProduct(ctx, cfg, b.log, overrides{})
}

func startProduct(ctx context.Context, cfg config, log *slog.Logger, with overrides) (*bench.Product, error) {
	if err := migrations.Current(ctx, cfg.DatabaseURL); err != nil {
		return nil, err
	}
	p, err := newProcess(ctx, cfg, allRoles, log, with)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- p.run(running) }()
	return &bench.Product{
		App:   p.app,
		Ready: func() bool { return p.router.Assigned(domain.EventType{Topic: "point"}) == cfg.Partitions },
		Stop: func() error {
			cancel()
			err := <-ran
			p.close()
			return err
		},
	}, nil
}

// brokerProcess is a broker that shares no processor time, and no memory, with what is measured.
type brokerProcess struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer
}

// startBroker runs this program once more, as a broker with new data in dir. It ends with us, whatever ends us: its
// standard input is closed then.
func startBroker(ctx context.Context, dir string) (*brokerProcess, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove the last bench's broker: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, "bench", "broker", dir) //nolint:gosec // ourselves
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	b := &brokerProcess{cmd: cmd, in: in}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("start broker: it ended at once: %w", err)
	}
	b.addr = strings.TrimSpace(addr)
	return b, nil
}

func (b *brokerProcess) stop() {
	_ = b.in.Close()
	_ = b.cmd.Wait() // its data are nobody's
}

type benchBrokerCmd struct {
	Dir string `arg:"" help:"The folder of its data."`
}

// Run is a broker until standard input ends.
func (c *benchBrokerCmd) Run(ctx context.Context, t *terminal) error {
	s, err := embedkafka.Start(ctx, embedkafka.Options{Dir: c.Dir})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(t.out, s.Brokers[0])
	_, err = io.Copy(io.Discard, t.in)
	return err
}
