package daemon

import (
	"context"
	"errors"

	"bestow/cmd/bestow/metrics"
	bestowhttp "bestow/http"
	"bestow/internal/pg"

	"github.com/prometheus/client_golang/prometheus"
)

// writable is the check of PostgreSQL: a process can do nothing with one that can only be read.
func (p *Process) writable(ctx context.Context) error { return pg.Writable(ctx, p.Pool) }

// errExpiryOff is told by /readyz: a ledger in which nothing expires, unnoticed, is a fault that is found years later.
var errExpiryOff = errors.New("BESTOW_EXPIRY is off: no points expire by themselves")

// Ops returns what the private port says of this process.
func (p *Process) Ops() bestowhttp.OpsConfig {
	ready := map[string]func(context.Context) error{"postgresql": p.writable, "clock": p.clockIsOff}
	if p.Kafka != nil {
		ready["kafka"] = p.Kafka.Ping
	}
	waits := bestowhttp.Checks{}
	for name, l := range p.Granter {
		if !l.IsRemote() || p.has(RoleHandler) { // which alone asks one over HTTP
			waits[name] = func(context.Context) error { return l.Unavailable() }
		}
	}
	if p.cfg.ExpiryOff() {
		waits["expiry"] = func(context.Context) error { return errExpiryOff }
	}
	return bestowhttp.OpsConfig{Ready: ready, Waits: waits, Still: p.heart.standing, Metrics: p.collectors(), Log: p.log}
}

// collectors returns what /metrics tells.
func (p *Process) collectors() []prometheus.Collector {
	build := BuildVersion()
	of := metrics.Config{
		Version: build.Version, Revision: build.Revision, Go: build.Go, Roles: p.roles, ID: p.id,
		Pool: p.Pool, Offset: p.clock.Offset, Still: p.heart.standing, Router: p.Router,
	}
	if p.Kafka != nil {
		of.Kafka = p.Kafka.Ping
	}
	if p.has(RoleHandler) {
		of.Ledgers = map[string]func() error{}
		for name, l := range p.Granter {
			of.Ledgers[name] = l.Unavailable
		}
	}
	if p.has(RoleJobs) {
		of.State = p.App.Gauges.Read
	}
	if p.cfg.MoneyURL == "" && p.has(RoleJobs) || p.Service != nil {
		of.Expiry = p.Money.ExpiryBehind
	}
	if p.has(RoleAPI) {
		of.Lists = map[string]metrics.Places{"import": p.App.Targets, "export": p.App.Lists}
	}
	all := p.metrics.All(of)
	if p.Service != nil {
		all = append(all, p.Service.Metrics()...)
	}
	return all
}
