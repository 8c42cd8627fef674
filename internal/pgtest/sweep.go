package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"bestow/internal/embedpg"

	"github.com/jackc/pgx/v5"
)

// folder returns the folder of this process's PostgreSQL. The process id in its name tells later runs the owner.
func folder(run string) string {
	return filepath.Join(root(), fmt.Sprintf("bestow-pgtest-%d-%d-%s", os.Getuid(), os.Getpid(), run))
}

// root is the folder of the folders: in memory where there is plenty, for a database is 300 files and a disk may take
// 300 ms to make them (measured; memory: 12 ms).
func root() string {
	if os.Getenv("TMPDIR") == "" && spacious("/dev/shm") {
		return "/dev/shm"
	}
	return os.TempDir()
}

// sweepFolders removes what killed test processes of this user left behind. A folder is a dead one's if no process has
// its number and no process holds its lock: either alone may be wrong for a moment.
func sweepFolders(ctx context.Context) error {
	pattern := filepath.Join(root(), fmt.Sprintf("bestow-pgtest-%d-*", os.Getuid()))
	found, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("look for dead test runs: %w", err)
	}
	for _, path := range found {
		parts := strings.Split(filepath.Base(path), "-")
		pid, err := strconv.Atoi(parts[min(3, len(parts)-1)])
		if err != nil || alive(pid) {
			continue
		}
		if err := embedpg.Remove(ctx, path); err != nil && !errors.Is(err, embedpg.ErrInUse) {
			return fmt.Errorf("remove what a dead test run left: %w", err)
		}
	}
	return nil
}

func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}

// sweepLock is held while one run drops the databases of dead ones; the number is arbitrary and ours.
const sweepLock = 0x7067746573 // "pgtes"

// sweepDatabases drops the databases of runs that have no session any more. If another run is at it, it does nothing.
func sweepDatabases(ctx context.Context, conn *pgx.Conn) error {
	var alone bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, sweepLock).Scan(&alone); err != nil {
		return fmt.Errorf("look for dead test runs: %w", err)
	}
	if !alone {
		return nil
	}
	rows, _ := conn.Query(ctx, `
		SELECT DISTINCT run FROM pg_database, substring(datname FROM '^' || $1 || '[a-z0-9]+') AS run
		WHERE starts_with(datname, $1) AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = run)`,
		prefix)
	dead, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for dead test runs: %w", err)
	}
	for _, run := range dead {
		if err := dropRun(ctx, conn, run); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, sweepLock); err != nil {
		return fmt.Errorf("look for dead test runs: %w", err)
	}
	return nil
}

// dropRun drops every database of a run.
func dropRun(ctx context.Context, conn *pgx.Conn, run string) error {
	rows, _ := conn.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1)`, run+"_")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list databases of test run: %w", err)
	}
	for _, name := range names {
		if err := drop(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}
