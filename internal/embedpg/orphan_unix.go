//go:build unix

package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// stopOrphans ends every postgres that still lives in the data folder. We hold the folder's lock, so the one who
// started it is dead, and it is stopping or was never told to.
func stopOrphans(ctx context.Context, data string, log *slog.Logger) error {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		left, err := end(ctx, data, signal, log)
		if err != nil {
			return fmt.Errorf("stop the postgres left behind in %s: %w", data, err)
		}
		if len(left) == 0 {
			return dropStalePID(data)
		}
	}
	return fmt.Errorf("stop the postgres left behind in %s: it is still there: end it by hand", data)
}

// end signals all processes that work in the data folder, and returns those that are left after our patience.
func end(ctx context.Context, data string, signal syscall.Signal, log *slog.Logger) ([]int, error) {
	pids, err := livingIn(ctx, data)
	if err != nil || len(pids) == 0 {
		return nil, err
	}
	log.WarnContext(ctx, "stopping a postgres left behind by a killed bestow", "pids", pids, "signal", signal.String())
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal) // an error: it has just ended
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		select {
		case <-ctx.Done():
			return pids, ctx.Err()
		case <-late:
			return pids, nil
		case <-tick.C:
		}
		if pids, err = livingIn(ctx, data); err != nil || len(pids) == 0 {
			return nil, err
		}
	}
}

// dropStalePID removes a postmaster.pid whose number now belongs to a stranger: postgres would take that one for a
// postmaster and refuse to start. Any other stale file is for postgres to judge, which also looks at shared memory.
func dropStalePID(data string) error {
	pid, err := postmasterPID(data)
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if err := os.Remove(filepath.Join(data, "postmaster.pid")); err != nil {
		return fmt.Errorf("remove stale postmaster.pid: %w", err)
	}
	return nil
}

// postmasterPID is the process id in the data folder's postmaster.pid, 0 if there is none to read.
func postmasterPID(data string) (int, error) {
	lines, err := postmaster(data)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pid, _ := strconv.Atoi(lines[0]) // 0: cut off by a power cut, postgres says what to do
	return max(pid, 0), nil
}
