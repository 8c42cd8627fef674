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
	"strings"
	"syscall"
	"time"
)

// stopOrphans ends every postgres that still lives in the data folder. We hold the folder's lock, so the one who
// started it is dead, and it is stopping or was never told to.
func stopOrphans(ctx context.Context, data string, log *slog.Logger) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	signal, since := syscall.SIGINT, time.Now()
	for said := false; ; {
		pids, err := livingIn(ctx, data)
		if err != nil {
			return fmt.Errorf("look for a postgres left behind: %w", err)
		}
		if len(pids) == 0 {
			return dropStalePID(data)
		}
		if !said {
			log.WarnContext(ctx, "stopping a postgres left behind by a killed bestow", "pids", pids)
		}
		if time.Since(since) > patience {
			signal, said = syscall.SIGKILL, false
		}
		if !said {
			said = true
			for _, pid := range pids {
				_ = syscall.Kill(pid, signal) // an error: it has just ended
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the postgres left behind (pids %v): %w", pids, ctx.Err())
		case <-tick.C:
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
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read postmaster.pid: %w", err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(first) // 0: cut off by a power cut, postgres says what to do
	return max(pid, 0), nil
}
