package demo

import (
	"context"
	"os"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
)

// ServeCmd is a process of the demo's service: serve, with the demo's ledger that refuses some.
type ServeCmd struct {
	Roles  []string `help:"What this process does."`
	Parent int      `help:"The process of the demo, without which this one ends."`
}

// Run works in the roles until it is asked to stop or the demo is gone.
func (c *ServeCmd) Run(ctx context.Context) error {
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	log, err := daemon.NewLogger(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		outlive(ctx, c.Parent)
		cancel()
	}()
	p, err := daemon.New(ctx, cfg, c.Roles, log, demoOverrides())
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx)
}

// outlive returns when our parent is another one than it was, since the first is dead. Linux's kernel kills us before.
func outlive(ctx context.Context, parent int) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for os.Getppid() == parent {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
