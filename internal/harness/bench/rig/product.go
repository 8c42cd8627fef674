package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/harness/bench"
	"bestow/migrations"
	"bestow/outbox"

	"github.com/jackc/pgx/v5/pgxpool"
)

func (b *bencher) config(members, rounds int) bench.Config {
	return bench.Config{
		AdminURL: b.cfg.DatabaseURL, Dir: b.dir, Members: members, Rounds: rounds,
		Chunk: b.cfg.MessageTargets, Run: b.cfg.RelayChunks, Brokers: b.cfg.Brokers, Partitions: b.cfg.Partitions,
		Kafka:  b.kafka(),
		Master: b.master,
		Open:   b.open, Start: b.product,
	}
}

// kafka is which Kafka is measured.
func (b *bencher) kafka() string {
	if b.broker != nil {
		return "embedded Kafka"
	}
	return "Kafka at " + strings.Join(b.cfg.Brokers, ",")
}

func (b *bencher) open(ctx context.Context, url string, connections int) (*pgxpool.Pool, error) {
	cfg := b.cfg
	cfg.DatabaseURL, cfg.MaxConns = url, connections
	return daemon.OpenPool(ctx, cfg)
}

// brokerDelay is by how much a delayed broker's answers come later.
const brokerDelay = 2 * time.Millisecond

// product starts the product, as serve does, on a database and topics of its own.
func (b *bencher) product(ctx context.Context, url, prefix string, how bench.Variant) (*bench.Product, error) {
	cfg := b.cfg
	cfg.DatabaseURL, cfg.TopicPrefix = url, prefix
	if how.Delay {
		if b.delayed == nil {
			var err error
			if b.delayed, err = startBroker(ctx, filepath.Join(b.dir, "kafka-delayed"), brokerDelay); err != nil {
				return nil, err
			}
		}
		cfg.Brokers = []string{b.delayed.addr}
	}
	if how.Ledger {
		return b.besideLedger(ctx, cfg, how, daemon.Overrides{})
	}
	return startProduct(ctx, cfg, b.log, how, daemon.Overrides{})
}

// benchProcesses hold what the product is made of in a bench.
type benchProcesses struct {
	list   []*daemon.Process
	cancel context.CancelFunc
	ran    chan error
}

// startProduct starts a process with all roles, and more that only handle if how says so.
func startProduct(ctx context.Context, cfg settings.Config, log *slog.Logger, how bench.Variant,
	with daemon.Overrides,
) (*bench.Product, error) {
	if err := migrations.Current(ctx, cfg.DatabaseURL); err != nil {
		return nil, err
	}
	if how.Handlers > 0 {
		cfg.Partitions = how.Handlers
	}
	handled := &atomic.Int64{}
	with.Handler = watched(how.Gate, handled)
	running, cancel := context.WithCancel(ctx)
	ps := &benchProcesses{cancel: cancel, ran: make(chan error)}
	roles := daemon.AllRoles
	if cfg.MoneyURL != "" {
		roles = slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return role == daemon.RoleMoney })
	}
	for range max(how.Handlers, 1) {
		p, err := daemon.New(ctx, cfg, roles, log, with)
		if err != nil {
			return nil, errors.Join(err, ps.stop())
		}
		ps.list = append(ps.list, p)
		go func() { ps.ran <- p.Run(running) }()
		roles = []string{daemon.RoleHandler}
		cfg.MaxConns = settings.LeastConns // one partition needs few, and all handlers share the server's
	}
	return &bench.Product{
		App:     ps.list[0].App,
		Ready:   func() bool { return ps.assigned() == cfg.Partitions },
		Handled: handled.Load,
		Stop:    ps.stop,
	}, nil
}

// assigned returns how many partitions of points the processes consume, all if each that handles has some.
func (ps *benchProcesses) assigned() (n int) {
	for _, p := range ps.list {
		n += p.Router.Assigned(domain.EventType{Topic: "point"})
	}
	return n
}

// stop ends the processes, the one that all stand on last.
func (ps *benchProcesses) stop() error {
	ps.cancel()
	var errs []error
	for range ps.list {
		errs = append(errs, <-ps.ran)
	}
	for _, p := range slices.Backward(ps.list) {
		p.Close()
	}
	return errors.Join(errs...)
}

// watched holds messages back until gate is closed, if there is one, and counts the grants of those that were handled.
func watched(gate <-chan struct{}, handled *atomic.Int64) func(outbox.Handler) outbox.Handler {
	return func(next outbox.Handler) outbox.Handler {
		return func(ctx context.Context, m outbox.Message) error {
			if gate != nil {
				select {
				case <-gate:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			err := next(ctx, m)
			if err == nil {
				handled.Add(int64(len(m.Grants)))
			}
			return err
		}
	}
}
