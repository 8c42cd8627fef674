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

// folder is where this process keeps its PostgreSQL; the process id in it tells later runs whom it belongs to.
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
// its number and nobody holds its lock: either alone may be wrong for a moment.
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

// sweepDatabases drops the databases of runs whose lock nobody holds any more.
func sweepDatabases(ctx context.Context, conn *pgx.Conn) error {
	names, err := databases(ctx, conn, prefix)
	if err != nil {
		return err
	}
	runs := map[string]bool{}
	for _, name := range names {
		run, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		runs[run] = true
	}
	for run := range runs {
		if err := sweepRun(ctx, conn, run); err != nil {
			return err
		}
	}
	return nil
}

// sweepRun drops a run's databases if it is dead.
func sweepRun(ctx context.Context, conn *pgx.Conn, run string) error {
	var dead bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, prefix+run).Scan(&dead); err != nil {
		return fmt.Errorf("look for dead test runs: %w", err)
	}
	if !dead {
		return nil
	}
	err := dropAll(ctx, conn, run)
	if _, unlock := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, prefix+run); unlock != nil {
		err = errors.Join(err, fmt.Errorf("release lock of a dead test run: %w", unlock))
	}
	return err
}

// dropAll drops every database of a run.
func dropAll(ctx context.Context, conn *pgx.Conn, run string) error {
	names, err := databases(ctx, conn, prefix+run+"_")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := drop(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

func databases(ctx context.Context, conn *pgx.Conn, prefix string) ([]string, error) {
	rows, _ := conn.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY datname`, prefix)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list test databases: %w", err)
	}
	return names, nil
}
