package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/internal/embedpg"
	"bestow/internal/harness/bench"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options say with what a rig is built.
type Options struct {
	// Settings are those of the product. Servers that they do not name are started.
	Settings settings.Config
	// Program is the path of bestow itself, which is run once more as broker and as ledger.
	Program string
	// Overrides are for tests.
	Overrides daemon.Overrides
}

// Rig has the servers of a bench, and starts the product on them.
type Rig struct {
	cfg      settings.Config
	program  string
	with     daemon.Overrides
	master   *seal.Master // of cfg
	dir      string
	log      *slog.Logger
	logFile  *os.File
	postgres *embedpg.Server // nil if cfg named one
	broker   *broker         // nil if cfg named some
	delayed  *broker         // nil until a row asks for it
}

// Start starts the servers that the settings do not name. Stop must be called, unless an error is returned.
func Start(ctx context.Context, o Options) (*Rig, error) {
	r := &Rig{cfg: o.Settings, program: o.Program, with: o.Overrides}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) (err error) {
	if r.program == "" {
		return errors.New("start bench: no program is named")
	}
	if r.master, err = r.cfg.Master(); err != nil {
		return err
	}
	if r.dir, err = r.cfg.OpenDataDir("bench"); err != nil {
		return err
	}
	if r.logFile, err = os.Create(filepath.Join(r.dir, "bench.log")); err != nil {
		return fmt.Errorf("open the bench's log: %w", err)
	}
	r.log = slog.New(slog.NewTextHandler(r.logFile, nil))
	r.cfg.Addr, r.cfg.OpsAddr = "127.0.0.1:0", "127.0.0.1:0"
	if r.cfg.AdminKey == "" {
		r.cfg.AdminKey = settings.NewAdminKey()
	}
	if r.cfg.DatabaseURL == "" {
		if r.postgres, err = embedpg.Start(ctx,
			embedpg.Options{Dir: filepath.Join(r.dir, "postgres"), Log: r.log}); err != nil {
			return err
		}
		r.cfg.DatabaseURL = r.postgres.URL
	}
	if len(r.cfg.Brokers) == 0 {
		if r.broker, err = startBroker(ctx, r.program, filepath.Join(r.dir, "kafka"), 0, brokerPatience); err != nil {
			return err
		}
		r.cfg.Brokers = []string{r.broker.addr}
	}
	return nil
}

// Stop ends what was started, in reverse.
func (r *Rig) Stop() error {
	var errs []error
	for _, b := range []*broker{r.delayed, r.broker} {
		if b == nil {
			continue
		}
		if err := b.stop(); err != nil {
			errs = append(errs, fmt.Errorf("remove the broker's data: %w", err))
		}
	}
	if r.postgres != nil {
		if err := r.postgres.Stop(context.Background()); err != nil {
			errs = append(errs, err)
		}
	}
	if r.logFile != nil {
		_ = r.logFile.Close() // a log of a bench
	}
	return errors.Join(errs...)
}

// Config returns the configuration of a bench on this rig.
func (r *Rig) Config(members, rounds int) bench.Config {
	return bench.Config{
		AdminURL: r.cfg.DatabaseURL, Dir: r.dir, Members: members, Rounds: rounds,
		Chunk: r.cfg.MessageTargets, Run: r.cfg.RelayChunks, Brokers: r.cfg.Brokers, Partitions: r.cfg.Partitions,
		Kafka:  r.kafka(),
		Master: r.master,
		Open:   r.open, Start: r.product,
	}
}

// kafka names the Kafka that is measured.
func (r *Rig) kafka() string {
	if r.broker != nil {
		return "embedded Kafka"
	}
	return "Kafka at " + strings.Join(r.cfg.Brokers, ",")
}

func (r *Rig) open(ctx context.Context, url string, connections int) (*pgxpool.Pool, error) {
	cfg := r.cfg
	cfg.DatabaseURL, cfg.MaxConns = url, connections
	return daemon.OpenPool(ctx, cfg)
}
