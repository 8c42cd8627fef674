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
	m, build := p.metrics, BuildVersion()
	m.Version, m.Revision, m.Go, m.Roles, m.ID = build.Version, build.Revision, build.Go, p.roles, p.id
	m.Pool, m.Offset, m.Still, m.Router = p.Pool, p.clock.Offset, p.heart.standing, p.Router
	if p.Kafka != nil {
		m.Kafka = p.Kafka.Ping
	}
	if p.has(RoleHandler) {
		m.Ledgers = map[string]func() error{}
		for name, l := range p.Granter {
			m.Ledgers[name] = l.Unavailable
		}
	}
	if p.has(RoleJobs) {
		m.State = p.App.Gauges.Read
	}
	if p.cfg.MoneyURL == "" && p.has(RoleJobs) || p.Service != nil {
		m.Expiry = p.Money.ExpiryBehind
	}
	if p.has(RoleAPI) {
		m.Lists = map[string]metrics.Places{"import": p.App.Targets, "export": p.App.Lists}
	}
	all := m.All()
	if p.Service != nil {
		all = append(all, p.Service.Metrics()...)
	}
	return all
}
