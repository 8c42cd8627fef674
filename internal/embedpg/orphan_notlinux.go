//go:build unix && !linux

package embedpg

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// livingIn is the postmaster that postmaster.pid names, if that number is a postgres with this data folder on its
// command line. Its children end by themselves when it is gone.
func livingIn(ctx context.Context, data string) ([]int, error) {
	pid, err := postmasterPID(data)
	if err != nil || pid == 0 {
		return nil, err
	}
	//nolint:gosec // a number
	out, err := exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil { // ps fails when there is no such process
		return nil, ctx.Err()
	}
	command := string(out)
	if strings.Contains(command, "postgres") && strings.Contains(command, filepath.Clean(data)) {
		return []int{pid}, nil
	}
	return nil, nil
}
