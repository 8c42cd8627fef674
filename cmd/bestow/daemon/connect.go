package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/cmd/bestow/settings"
	"bestow/internal/english"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/migrations"
	"bestow/outbox/secure"

	"github.com/jackc/pgx/v5/pgxpool"
)

// patience is the time that a start waits for a server that is not there yet.
const patience = 30 * time.Second

// patienceIsTold says how often a start says that it still waits.
const patienceIsTold = 10 * time.Second

// Patiently calls connect until it succeeds, for at most patience. A server that is there and refuses us is not asked
// again.
func Patiently(ctx context.Context, log *slog.Logger, what string, connect func() error) error {
	deadline := time.Now().Add(patience)
	var told time.Time
	for {
		err := connect()
		if err == nil || pg.Refused(err) || secure.Refused(err) || time.Now().After(deadline) {
			return err
		}
		if time.Since(told) > patienceIsTold {
			told = time.Now()
			log.WarnContext(ctx, "waiting for "+what, obs.Err, english.OneLine(err.Error()))
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// OpenPool opens DATABASE_URL for a process that writes.
func OpenPool(ctx context.Context, cfg settings.Config) (*pgxpool.Pool, error) {
	return OpenBy(ctx, cfg, pg.Open)
}

// ErrNoDatabase is the end of a command that reads the database itself, and was not told where it is.
var ErrNoDatabase = errors.New("DATABASE_URL is not set: give the address of the service's PostgreSQL, " +
	"or try `bestow demo`, which brings its own")

// OpenBy opens DATABASE_URL by one of the ways of package pg.
func OpenBy(ctx context.Context, cfg settings.Config,
	open func(context.Context, string, pg.Options) (*pgxpool.Pool, error),
) (*pgxpool.Pool, error) {
	if cfg.DatabaseURL == "" {
		return nil, ErrNoDatabase
	}
	pool, err := open(ctx, cfg.DatabaseURL, pg.Options{MaxConns: int32(cfg.MaxConns)})
	if err != nil {
		return nil, fmt.Errorf("open DATABASE_URL: %w", err)
	}
	return pool, nil
}

// checkDatabase waits for PostgreSQL and refuses one that lacks a migration, or in production one that may lose
// commits.
func (p *Process) checkDatabase(ctx context.Context) error {
	if err := Patiently(ctx, p.log, "postgresql", func() error { return p.Pool.Ping(ctx) }); err != nil {
		return pg.Explain(err)
	}
	for _, name := range pg.Overruled(p.cfg.DatabaseURL) {
		p.log.WarnContext(ctx, "a setting of DATABASE_URL has no effect: statements are prepared, "+
			"and BESTOW_DB_MAX_CONNS counts connections", obs.Cause, name)
	}
	if err := migrations.Current(ctx, p.cfg.DatabaseURL); err != nil {
		return err
	}
	durable, err := KeepsCommits(ctx, p.Pool)
	if err != nil {
		return err
	}
	if !durable && p.cfg.Env == "production" {
		return errors.New("PostgreSQL may lose commits: set fsync, full_page_writes and synchronous_commit to on")
	}
	if !durable {
		p.log.WarnContext(ctx, "postgresql may lose commits: fsync, full_page_writes or synchronous_commit is off")
	}
	return nil
}

// KeepsCommits reports whether what PostgreSQL has committed survives a crash of its machine, by its settings.
func KeepsCommits(ctx context.Context, pool *pgxpool.Pool) (durable bool, err error) {
	const query = `SELECT current_setting('fsync')::bool AND current_setting('synchronous_commit') <> 'off' AND current_setting('full_page_writes')::bool`
	if err := pool.QueryRow(ctx, query).Scan(&durable); err != nil {
		return false, fmt.Errorf("read PostgreSQL's settings: %w", err)
	}
	return durable, nil
}
