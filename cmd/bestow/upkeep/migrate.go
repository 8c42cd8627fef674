package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/pg"
	"bestow/migrations"
)

// MigrateCmd is `bestow migrate`.
type MigrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the database up to date. Several processes may do this at the same time."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they were applied."`
}

type migrateUpCmd struct{}

// Run applies what is missing.
func (migrateUpCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	url, err := migrateURL()
	if err != nil {
		return err
	}
	return migrateUp(ctx, t, url)
}

func migrateUp(ctx context.Context, t *terminal.Terminal, url string) error {
	if err := started(ctx, t, url); err != nil {
		return err
	}
	if err := migrations.Up(ctx, url); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, "the database is up to date")
	return nil
}

// started waits until a PostgreSQL that is starting answers, as the service does. What is wrong with url is told at
// once.
func started(ctx context.Context, t *terminal.Terminal, url string) error {
	var unusable error
	err := daemon.Patiently(ctx, slog.New(slog.NewTextHandler(t.Err, nil)), "postgresql", func() error {
		conn, err := pg.Connect(ctx, url)
		switch {
		case err == nil:
			return conn.Close(ctx)
		case pg.Unavailable(err):
			return err
		}
		unusable = err
		return nil
	})
	return pg.Explain(errors.Join(unusable, err))
}

type migrateStatusCmd struct{}

// Run lists the migrations.
func (migrateStatusCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	url, err := migrateURL()
	if err != nil {
		return err
	}
	steps, err := migrations.Status(ctx, url)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MIGRATION\tAPPLIED")
	for _, s := range steps {
		applied := "not yet"
		if !s.AppliedAt.IsZero() {
			applied = s.AppliedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Name, applied)
	}
	return w.Flush()
}

// migrateURL is the owner's connection.
func migrateURL() (string, error) {
	cfg, err := settings.Load()
	if err != nil {
		return "", err
	}
	if cfg.MigrateURL != "" {
		return cfg.MigrateURL, nil
	}
	if cfg.DatabaseURL == "" {
		return "", errors.New("DATABASE_URL is not set: give the address of the PostgreSQL to migrate, " +
			"as postgres://user:password@host:5432/database")
	}
	return cfg.DatabaseURL, nil
}
