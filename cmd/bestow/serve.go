package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/embedkafka"
)

type serveCmd struct {
	Roles         []string `default:"api,relay,handler,jobs,money" offer:"api,relay,handler,jobs,money" help:"The roles of this process, a comma-separated list. Default: all."`
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
		if !slices.Contains(daemon.AllRoles, role) {
			return terminal.Usage("there is no role %q: the roles are %s", role, strings.Join(daemon.AllRoles, ", "))
		}
	}
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	log, err := daemon.NewLogger(cfg)
	if err != nil {
		return err
	}
	daemon.TakeStandardLog(log)
	if len(cfg.Brokers) == 0 && (slices.Contains(c.Roles, daemon.RoleRelay) ||
		slices.Contains(c.Roles, daemon.RoleHandler) || slices.Contains(c.Roles, daemon.RoleJobs)) {
		broker, err := c.embedKafka(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer broker.Close()
		cfg.Brokers = broker.Brokers
	}
	p, err := daemon.New(ctx, cfg, c.Roles, log, serveOverrides())
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx)
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
