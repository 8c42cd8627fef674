//go:build unix

package embedpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watch starts a shell that asks pid for a fast shutdown when we die: then the pipe ends whose only writer we are. It
// is for systems without Pdeathsig. Call the result when pid has ended, to end the watch.
func watch(pid int) (func(), error) {
	read, write, err := os.Pipe() // close-on-exec: no child of ours keeps it open
	if err != nil {
		return nil, fmt.Errorf("watch over postgres: %w", err)
	}
	const script = `read over || kill -INT "$1"`
	//nolint:gosec // a number
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", script, "sh", strconv.Itoa(pid))
	cmd.Stdin, cmd.Dir, cmd.Env = read, "/", environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	_ = read.Close()
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("watch over postgres: %w", err)
	}
	return func() {
		_, _ = write.WriteString("over\n") // an error: the shell was killed, so it has nothing to do any more
		_ = write.Close()
		_ = cmd.Wait()
	}, nil
}
