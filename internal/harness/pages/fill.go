package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"bestow/app/audit"
	"bestow/internal/harness/testbed"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

//go:embed fill.sql
var fillSQL string

// step begins each part of fill.sql, with the words that say what it fills.
const step = "-- step: "

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return db, nil
}

// fill fills the tables, and says how long each step took and what came of it.
func fill(ctx context.Context, url string, o options, out io.Writer) error {
	db, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	const sizes = `SELECT set_config('pages.targets', $1::int::text, false), set_config('pages.events', $2::int::text, false)`
	if _, err := db.Exec(ctx, sizes, o.targets, o.events); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if err := setUp(ctx, db, `ALTER SYSTEM SET full_page_writes = off`, `ALTER SYSTEM SET autovacuum = off`); err != nil {
		return err
	}
	for _, part := range strings.Split(fillSQL, step)[1:] {
		what, statements, _ := strings.Cut(part, "\n")
		began := time.Now()
		if _, err := db.Exec(ctx, statements); err != nil {
			return fmt.Errorf("fill %s: %w", what, err)
		}
		testbed.Say(out, "%6.1f s  %s\n", time.Since(began).Seconds(), what)
	}
	if err := link(ctx, url); err != nil {
		return err
	}
	if err := setUp(ctx, db, `ALTER SYSTEM RESET ALL`); err != nil {
		return err
	}
	if _, err := db.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return tell(ctx, db, out)
}

// setUp changes settings of the server. They make the filling shorter, and stand as before when pages are measured.
func setUp(ctx context.Context, db *pgx.Conn, changes ...string) error {
	for _, change := range append(changes, `SELECT pg_reload_conf()`) {
		if _, err := db.Exec(ctx, change); err != nil {
			return fmt.Errorf("set up the server: %w", err)
		}
	}
	return nil
}

// link chains the audit as the job does.
func link(ctx context.Context, url string) error {
	pool, err := pg.Open(ctx, url, pg.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	a, err := audit.New(audit.Config{Pool: pool})
	if err != nil {
		return err
	}
	if err := a.Link(ctx); err != nil {
		return err
	}
	return a.Anchor(ctx)
}

// tell prints how much there is.
func tell(ctx context.Context, db *pgx.Conn, out io.Writer) error {
	const query = `SELECT what || ' ' || n FROM (VALUES
			(1, 'events', (SELECT count(*) FROM campaign_events)), (2, 'targets', (SELECT count(*) FROM point_targets) +
				(SELECT count(*) FROM voucher_targets)),
			(3, 'results', (SELECT count(*) FROM point_results) + (SELECT count(*) FROM voucher_results)),
			(4, 'chunks', (SELECT count(*) FROM grant_chunks)), (5, 'changes', (SELECT count(*) FROM audit_log)),
			(6, 'parked', (SELECT count(*) FROM parked_messages)), (7, 'sessions', (SELECT count(*) FROM sessions)),
			(8, 'MiB', pg_database_size(current_database()) / 1048576)) AS all_of (place, what, n) ORDER BY place`
	rows, err := db.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	testbed.Say(out, "%s\n\n", strings.Join(all, ", "))
	return nil
}

// keepAlive lets the rows of the processes that are not there look as if they were.
func keepAlive(ctx context.Context, url string) {
	db, err := connect(ctx, url)
	if err != nil {
		return // the pages say then that no process runs
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	_ = testbed.Poll(ctx, 5*time.Second, func() (bool, error) {
		_, err := db.Exec(ctx, `UPDATE processes SET seen_at = now() WHERE host LIKE 'worker-%'`)
		return false, err
	})
}
