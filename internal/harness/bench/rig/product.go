package rig

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/harness/bench"
	"bestow/migrations"
	"bestow/outbox"
)

// brokerDelay is by how much a delayed broker's answers come later.
const brokerDelay = 2 * time.Millisecond

// product starts the product, as serve does, on a database and topics of its own.
func (r *Rig) product(ctx context.Context, url, prefix string, how bench.Variant) (*bench.Product, error) {
	cfg := r.cfg
	cfg.DatabaseURL, cfg.TopicPrefix = url, prefix
	if how.Delay {
		if r.delayed == nil {
			var err error
			if r.delayed, err = startBroker(ctx, r.program, filepath.Join(r.dir, "kafka-delayed"), brokerDelay,
				brokerPatience); err != nil {
				return nil, err
			}
		}
		cfg.Brokers = []string{r.delayed.addr}
	}
	if how.Ledger {
		return r.besideLedger(ctx, cfg, how)
	}
	return r.startProduct(ctx, cfg, how)
}

// processes are those that the product is made of in a bench.
type processes struct {
	list   []*daemon.Process
	cancel context.CancelFunc
	ran    chan error // one of each process that has ended
	ended  []error    // those that were received
}

// startProduct starts a process with all roles, and more that only handle if how says so.
func (r *Rig) startProduct(ctx context.Context, cfg settings.Config, how bench.Variant) (*bench.Product, error) {
	if err := migrations.Current(ctx, cfg.DatabaseURL); err != nil {
		return nil, err
	}
	if how.Handlers > 0 {
		cfg.Partitions = how.Handlers
	}
	handled := &atomic.Int64{}
	with := r.with
	with.Handler = watched(how.Gate, handled)
	running, cancel := context.WithCancel(ctx)
	ps := &processes{cancel: cancel, ran: make(chan error)}
	roles := daemon.AllRoles
	if cfg.MoneyURL != "" {
		roles = slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return role == daemon.RoleMoney })
	}
	for range max(how.Handlers, 1) {
		p, err := daemon.New(ctx, cfg, roles, r.log, with)
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
		Ready:   func() (bool, error) { return ps.assigned() == cfg.Partitions, ps.early() },
		Handled: handled.Load,
		Stop:    ps.stop,
	}, nil
}

// assigned returns how many partitions of points the processes consume, all if each that handles has some.
func (ps *processes) assigned() (n int) {
	for _, p := range ps.list {
		n += p.Router.Assigned(domain.EventType{Topic: "point"})
	}
	return n
}

// early returns an error if a process has ended by itself.
func (ps *processes) early() error {
	select {
	case err := <-ps.ran:
		ps.ended = append(ps.ended, err)
	default:
	}
	if len(ps.ended) == 0 {
		return nil
	}
	return errors.Join(append([]error{errors.New("a process of the product ended by itself")}, ps.ended...)...)
}

// wait returns the errors of all processes, once they have ended.
func (ps *processes) wait() error {
	for len(ps.ended) < len(ps.list) {
		ps.ended = append(ps.ended, <-ps.ran)
	}
	return errors.Join(ps.ended...)
}

// stop ends the processes, the one that all stand on last.
func (ps *processes) stop() error {
	ps.cancel()
	err := ps.wait()
	for _, p := range slices.Backward(ps.list) {
		p.Close()
	}
	return err
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
