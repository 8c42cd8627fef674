package pgtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	// poolSize is the most connections that New's pool opens.
	poolSize = 8
	// limit bounds the making or dropping of one database; then the test fails.
	limit = time.Minute
)

// New returns a pool on a migrated database of the test's own, closed and dropped when the test and its subtests end.
// The test fails if a connection is still in use by then.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool, err := pg.Open(tb.Context(), URL(tb), pg.Options{MaxConns: poolSize}) // as the product's
	require.NoError(tb, err)
	tb.Cleanup(func() { closePool(tb, pool, 10*time.Second) })
	return pool
}

// closePool does not wait for ever for a connection that the test has lost: its database is dropped by force anyway.
func closePool(tb testing.TB, pool *pgxpool.Pool, patience time.Duration) {
	tb.Helper()
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		tb.Errorf("%d connections of the test's pool were never released: close rows, end transactions",
			pool.Stat().AcquiredConns())
	}
}

// URL returns the connection string of a migrated database of the test's own. It is dropped when the test and its
// subtests end, even if a session is still connected.
func URL(tb testing.TB) string {
	tb.Helper()
	return database(tb, func(ctx context.Context, s *server) (string, error) {
		template, err := s.template()
		if err != nil {
			return "", err
		}
		return s.create(ctx, template)
	})
}

// Empty returns the connection string of a database of the test's own with nothing in it, dropped like URL's.
func Empty(tb testing.TB) string {
	tb.Helper()
	return database(tb, func(ctx context.Context, s *server) (string, error) {
		return s.create(ctx, "template0")
	})
}

func database(tb testing.TB, create func(context.Context, *server) (string, error)) string {
	tb.Helper()
	s, err := shared()
	require.NoError(tb, err, "no PostgreSQL for the tests: install PostgreSQL 15 or later (Debian: "+
		"apt-get install postgresql), or set BESTOW_TEST_DATABASE_URL to a server whose role may create databases")
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	defer cancel()
	name, err := create(ctx, s)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit) // t's own context is over in a cleanup
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			tb.Errorf("clean up after test: %v", err)
		}
	})
	return s.url(name)
}

// Main runs the tests, takes down what this package started, and fails if a goroutine is left over. It is a package's
// TestMain; options name goroutines that a library never ends, such as kafkatest.Leaks.
func Main(m *testing.M, options ...goleak.Option) {
	code := m.Run()
	if err := shutdown(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the tests' PostgreSQL:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(options...); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left over after the tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// connect opens one connection for one errand: nothing of ours stays open between the tests.
func connect(ctx context.Context, url string, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the tests' PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return f(conn)
}
