package embedpg

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// livingIn lists every process named postgres that works in the data folder, the postmaster's children too: postgres
// makes the folder its working directory, so no number that another process has taken over deceives us.
func livingIn(_ context.Context, data string) ([]int, error) {
	if real, err := filepath.EvalSymlinks(data); err == nil { // /proc shows no links
		data = real
	}
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err != nil || cwd != data { // an error: it has ended, or is another user's
			continue
		}
		comm, err := os.ReadFile(filepath.Join(filepath.Dir(link), "comm"))
		if err != nil || !strings.HasPrefix(string(comm), "postgres") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
