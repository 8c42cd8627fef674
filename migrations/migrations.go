package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// RiverSchema is the schema of River's tables.
const RiverSchema = "river"

// lockKey serialises migrations of one database. The number is arbitrary and ours.
const lockKey = 0x626573746f77 // "bestow"

//go:embed *.sql
var files embed.FS

// Files is the SQL, in the order in which it is applied; tests make the fingerprint of their template database of it.
func Files() fs.FS { return files }

// Up applies the missing migrations to the database at url. If ten processes call it at once, one works, and the others
// wait and find nothing left to do. The role needs to own the database, or the right to create schemas in it.
func Up(ctx context.Context, url string) error { return up(ctx, url, files) }

func up(ctx context.Context, url string, from fs.FS) error {
	return locked(ctx, url, func(pool *pgxpool.Pool) error {
		if err := refuseSecond(ctx, pool); err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+RiverSchema); err != nil {
			return fmt.Errorf("create schema %s: %w", RiverSchema, err)
		}
		river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
		if err != nil {
			return fmt.Errorf("read river's migrations: %w", err)
		}
		if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate river: %w", err)
		}
		return withGoose(pool, from, func(p *goose.Provider) error {
			return patient(ctx, func() error {
				_, err := p.Up(ctx)
				return err
			})
		})
	})
}

// A migration that finds a table in use gives up after its lock_timeout, so that who came after it goes on, and is
// tried again: tryFor long, with tryEvery between two tries.
const (
	tryFor   = 5 * time.Minute
	tryEvery = time.Second
)

// patient tries again as long as others hold a lock that migrate needs: an import or a report of verify.
func patient(ctx context.Context, migrate func() error) error {
	began := time.Now()
	for {
		err := migrate()
		switch {
		case err == nil:
			return nil
		case !pg.LockTimedOut(err):
			return fmt.Errorf("migrate bestow: %w", err)
		case time.Since(began) > tryFor:
			return fmt.Errorf("migrate bestow: a table that it changes was in use for %s, by an import or a report: "+
				"run it again when that has ended: %w", tryFor, err)
		}
		select {
		case <-time.After(tryEvery):
		case <-ctx.Done():
			return fmt.Errorf("migrate bestow: %w", ctx.Err())
		}
	}
}

// refuseSecond refuses to make tables beside those that stand in another schema: the schemas money and river are of one
// installation, and a half of a second one would hide the first from every session.
func refuseSecond(ctx context.Context, pool *pgxpool.Pool) error {
	const query = `SELECT coalesce(current_schema(), ''),
		coalesce(min(n.nspname) FILTER (WHERE n.nspname <> current_schema()), ''),
			coalesce(bool_or(n.nspname = current_schema()), false)
		FROM pg_class c JOIN pg_class g USING (relnamespace) JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = 'campaign_events' AND g.relname = 'goose_db_version'`
	var here, other string
	var stands bool
	if err := pool.QueryRow(ctx, query).Scan(&here, &other, &stands); err != nil {
		return fmt.Errorf("look for tables in other schemas: %w", err)
	}
	if stands || other == "" {
		return nil
	}
	return fmt.Errorf("the tables stand in schema %q already, and the address asks for search_path %q: "+
		"leave search_path out of the address", other, here)
}

// Step is one migration and whether the database has it.
type Step struct {
	Name      string
	AppliedAt time.Time // zero: not applied yet
}

// Status lists our migrations in order. It changes nothing: goose would make its table in a database that has none.
func Status(ctx context.Context, url string) ([]Step, error) {
	var steps []Step
	err := locked(ctx, url, func(pool *pgxpool.Pool) error {
		var begun bool
		const query = `SELECT to_regclass(quote_ident(current_schema()) || '.goose_db_version') IS NOT NULL`
		if err := pool.QueryRow(ctx, query).Scan(&begun); err != nil {
			return fmt.Errorf("look for migrations: %w", err)
		}
		if !begun {
			names, err := fs.Glob(files, "*.sql")
			for _, name := range names {
				steps = append(steps, Step{Name: name})
			}
			return err
		}
		return withGoose(pool, files, func(p *goose.Provider) error {
			status, err := p.Status(ctx)
			if err != nil {
				return fmt.Errorf("read migrations: %w", err)
			}
			for _, s := range status {
				steps = append(steps, Step{Name: s.Source.Path, AppliedAt: s.AppliedAt})
			}
			return nil
		})
	})
	return steps, err
}

// Current returns nil if the database at url has every migration, and otherwise an error that says what to run.
func Current(ctx context.Context, url string) error {
	steps, err := Status(ctx, url)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.AppliedAt.IsZero() {
			return fmt.Errorf("database lacks migration %s: run `bestow migrate up`", s.Name)
		}
	}
	return nil
}

// locked runs fn while this process alone may migrate. The lock is the session's, on a connection of its own.
func locked(ctx context.Context, url string, fn func(*pgxpool.Pool) error) error {
	conn, err := pg.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // which gives the lock back
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(lockKey)); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	pool, err := pg.Open(ctx, url, pg.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	return fn(pool)
}

func withGoose(pool *pgxpool.Pool, from fs.FS, fn func(*goose.Provider) error) error {
	db := stdlib.OpenDBFromPool(pool)
	p, err := goose.NewProvider(goose.DialectPostgres, db, from)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return errors.Join(fn(p), db.Close())
}
