package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"bestow/internal/embedpg"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
)

// prefix begins the name of every database that this package makes: prefix, run, number.
const prefix = "bestow_test_"

// server is the PostgreSQL of this test process.
type server struct {
	base     *url.URL
	run      string // tells this process's databases from those of others
	strategy string // of CREATE DATABASE
	number   atomic.Int64
	template func() (string, error)
	close    func() error
}

// The two globals of the test harness: one server for all tests of the process, and whether it was ever asked for.
var (
	shared = sync.OnceValues(func() (*server, error) {
		s, err := open()
		if err == nil {
			opened.Store(s)
		}
		return s, err
	})
	opened atomic.Pointer[server]
)

func open() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s := &server{run: strings.ToLower(rand.Text()[:8])}
	s.template = sync.OnceValues(s.migrate)
	if external := os.Getenv("BESTOW_TEST_DATABASE_URL"); external != "" {
		return s, s.join(ctx, external)
	}
	return s, s.start(ctx)
}

// shutdown ends the server if a test has asked for one.
func shutdown() error {
	s := opened.Load()
	if s == nil {
		return nil
	}
	return s.close()
}

// start runs a PostgreSQL of this process's own. Only fsync is off: what a test sees of commits, locks and crashes of
// PostgreSQL must be what production sees.
func (s *server) start(ctx context.Context) error {
	if err := sweepFolders(ctx); err != nil {
		return err
	}
	dir := folder(s.run)
	s.strategy = "FILE_COPY" // two checkpoints, which cost nothing without fsync: 16 ms instead of 30 for make and drop
	pg, err := embedpg.Start(ctx, embedpg.Options{
		Dir:   dir,
		Fetch: os.Getenv("BESTOW_TEST_FETCH") != "",
		Settings: map[string]string{
			"fsync":              "off",
			"full_page_writes":   "off",
			"max_connections":    "200",
			"shared_buffers":     "128MB",
			"checkpoint_timeout": "1h",
			"max_wal_size":       "512MB",
			"autovacuum_naptime": "10s",
		},
	})
	if err != nil {
		return errors.Join(err, embedpg.Remove(ctx, dir))
	}
	s.close = func() error {
		pg.Kill() // a checkpoint of what is about to be deleted would be a waste
		return embedpg.Remove(context.Background(), dir)
	}
	s.base, err = url.Parse(pg.URL)
	return err
}

// join uses a server that already runs. It keeps a session with this run's name open there as long as this process
// lives, so that other runs see that our databases are in use.
func (s *server) join(ctx context.Context, external string) error {
	base, err := url.Parse(external)
	if err != nil || !strings.HasPrefix(base.Scheme, "postgres") {
		return errors.New("read BESTOW_TEST_DATABASE_URL: not a postgres:// URL")
	}
	config, err := pgx.ParseConfig(external)
	if err != nil {
		return errors.New("read BESTOW_TEST_DATABASE_URL: not a postgres:// URL") // its error may show the password
	}
	s.base, s.strategy = base, "WAL_LOG" // a checkpoint of a server of another owner may be slow
	config.RuntimeParams["application_name"] = prefix + s.run
	keeper, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to BESTOW_TEST_DATABASE_URL: %w", err)
	}
	s.close = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		return errors.Join(dropRun(ctx, keeper, prefix+s.run), keeper.Close(ctx))
	}
	if err := sweepDatabases(ctx, keeper); err != nil {
		return errors.Join(err, keeper.Close(ctx))
	}
	return nil
}

// migrate makes the database that every test's is a copy of.
func (s *server) migrate() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	name, err := s.create(ctx, "template0")
	if err != nil {
		return "", err
	}
	if err := migrations.Up(ctx, s.url(name)); err != nil {
		return "", fmt.Errorf("migrate the tests' template: %w", err)
	}
	return name, nil
}

// create makes a copy of a database.
func (s *server) create(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("%s%s_%d", prefix, s.run, s.number.Add(1))
	err := connect(ctx, s.base.String(), func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s STRATEGY %s`,
			pgx.Identifier{name}.Sanitize(), pgx.Identifier{template}.Sanitize(), s.strategy))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	return name, nil
}

// drop removes a database and ends its sessions.
func (s *server) drop(ctx context.Context, name string) error {
	return connect(ctx, s.base.String(), func(conn *pgx.Conn) error { return drop(ctx, conn, name) })
}

func drop(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := conn.Exec(ctx, fmt.Sprintf(`DROP DATABASE IF EXISTS %s WITH (FORCE)`, pgx.Identifier{name}.Sanitize()))
	if err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

// url is the connection string of one of the server's databases.
func (s *server) url(name string) string {
	u := *s.base
	u.Path = "/" + name
	return u.String()
}
