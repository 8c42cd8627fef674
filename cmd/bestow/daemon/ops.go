package daemon

import (
	"context"
	"errors"

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
	var metrics []prometheus.Collector
	if p.Service != nil {
		metrics = append(metrics, p.Service.Metrics()...)
	}
	if p.Router != nil {
		metrics = append(metrics, skippedMetric{p.Router})
	}
	if p.App != nil && p.has(RoleAPI) {
		metrics = append(metrics, placesMetric{"import": p.App.Targets, "export": p.App.Lists})
	}
	return bestowhttp.OpsConfig{Ready: ready, Waits: waits, Still: p.heart.standing, Metrics: metrics, Log: p.log}
}
