package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	bestowhttp "bestow/http"
	"bestow/internal/embedkafka"
	"bestow/internal/pg"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/term"
)

type serveCmd struct {
	Roles         []string `default:"api,relay,handler,jobs,money" help:"The roles of this process, a comma-separated list. Default: all."`
	EmbeddedKafka bool     `help:"Start an embedded Kafka broker if KAFKA_BROKERS is not set: one node, for development."`
}

// Help lists every setting.
func (serveCmd) Help() string {
	var b strings.Builder
	b.WriteString("Settings (environment):\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range settings.List() {
		standard := s.Standard
		if standard == "" {
			standard = "-"
		}
		fmt.Fprintf(w, "    %s\t%s\t%s\n", s.Name, standard, s.Help)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// Run works in the roles until the process is asked to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	for _, role := range c.Roles {
		if !slices.Contains(allRoles, role) {
			return terminal.Usage("there is no role %q: the roles are %s", role, strings.Join(allRoles, ", "))
		}
	}
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	log, err := newLogger(cfg)
	if err != nil {
		return err
	}
	takeStandardLog(log)
	if len(cfg.Brokers) == 0 && (slices.Contains(c.Roles, roleRelay) || slices.Contains(c.Roles, roleHandler) || slices.Contains(c.Roles, roleJobs)) {
		broker, err := c.embedKafka(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer broker.Close()
		cfg.Brokers = broker.Brokers
	}
	p, err := newProcess(ctx, cfg, c.Roles, log, serveOverrides())
	if err != nil {
		return err
	}
	defer p.close()
	return p.run(ctx)
}

func (c *serveCmd) embedKafka(ctx context.Context, cfg settings.Config, log *slog.Logger) (*embedkafka.Server, error) {
	if !c.EmbeddedKafka {
		return nil, errors.New("KAFKA_BROKERS is not set: name the brokers, or give --embedded-kafka for development")
	}
	if cfg.Env == "production" {
		return nil, errors.New("the embedded broker is one node and keeps no replica: set KAFKA_BROKERS in production")
	}
	dir, err := cfg.OpenDataDir("")
	if err != nil {
		return nil, err
	}
	return embedkafka.Start(ctx, embedkafka.Options{Dir: filepath.Join(dir, "kafka"), Log: log})
}

// newLogger writes to standard error, as text on a terminal and as JSON otherwise.
func newLogger(cfg settings.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, fmt.Errorf("LOG_LEVEL is %q: it must be debug, info, warn or error", cfg.LogLevel)
	}
	format := cfg.LogFormat
	if format == "" {
		format = "json"
		if term.IsTerminal(int(os.Stderr.Fd())) {
			format = "text"
		}
	}
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	}
	return nil, fmt.Errorf("LOG_FORMAT is %q: it must be text or json", format)
}

// writable is the check of PostgreSQL: a process can do nothing with one that can only be read.
func (p *process) writable(ctx context.Context) error { return pg.Writable(ctx, p.pool) }

// errExpiryOff is told by /readyz: a ledger in which nothing expires, unnoticed, is a fault that is found years later.
var errExpiryOff = errors.New("BESTOW_EXPIRY is off: no points expire by themselves")

// ops is what the private port says of this process.
func (p *process) ops() bestowhttp.OpsConfig {
	ready := map[string]func(context.Context) error{"postgresql": p.writable, "clock": p.clock.check}
	if p.kafka != nil {
		ready["kafka"] = p.kafka.Ping
	}
	waits := bestowhttp.Checks{}
	for name, l := range p.granter {
		if l.remote == nil || p.has(roleHandler) { // which alone asks one over HTTP
			waits[name] = func(context.Context) error { return l.unavailable() }
		}
	}
	if p.cfg.ExpiryOff() {
		waits["expiry"] = func(context.Context) error { return errExpiryOff }
	}
	var metrics []prometheus.Collector
	if p.service != nil {
		metrics = append(metrics, p.service.Metrics()...)
	}
	if p.router != nil {
		metrics = append(metrics, skippedMetric{p.router})
	}
	return bestowhttp.OpsConfig{Ready: ready, Waits: waits, Still: p.heart.standing, Metrics: metrics, Log: p.log}
}
