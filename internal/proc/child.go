package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Program is a program that can be started any number of times.
type Program struct {
	Name   string
	Args   []string // the first is the file
	Env    []string
	Log    string // the file that gets what it says
	Speaks bool   // it says one line on standard output when it is ready
}

// Child is one run of a program.
type Child struct {
	Program
	Said string // the line of a program that speaks

	cmd   *exec.Cmd
	asked atomic.Bool   // we ended it
	done  chan struct{} // closed when it has ended
	err   error         // how, to be read after done
}

// Start runs the program, and waits for its line if it speaks. A child that does not come so far is killed.
func (p Program) Start(ctx context.Context) (*Child, error) {
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor by then
	c := &Child{Program: p, done: make(chan struct{})}
	//nolint:gosec // what we built, and ourselves
	c.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.Args[0], p.Args[1:]...)
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr, c.cmd.SysProcAttr = p.Env, log, log, attr()
	if !p.Speaks {
		err = c.run()
	} else {
		err = c.listen(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w: see %s", p.Name, err, p.Log)
	}
	return c, nil
}

// run begins the process, and the goroutine that waits for it. The goroutine keeps its thread: the kernel's signal at
// our death is bound to the thread that made the child, and Go may end an idle one.
func (c *Child) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.done)
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
		}
	}()
	return <-started
}

// listen begins the process and waits for its line.
func (c *Child) listen(ctx context.Context) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = read.Close() }() // it says one line only
	c.cmd.Stdout = write
	err = c.run()
	_ = write.Close() // the child's is open
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, c.Kill)()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		c.Kill()
		return errors.Join(errors.New("it ended before it was ready"), c.err, ctx.Err())
	}
	c.Said = strings.TrimSpace(line)
	return nil
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// PID returns the id of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Strike is kill -9 without the wait for the end: several children are struck in the same moment.
func (c *Child) Strike() error {
	c.Expect()
	if err := c.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", c.Name, err)
	}
	return nil
}

// KillAll is kill -9 for all of the list in one moment, and the wait for their ends.
func KillAll(list ...*Child) error {
	for _, c := range list {
		if err := c.Strike(); err != nil {
			return err
		}
	}
	for _, c := range list {
		<-c.done
	}
	return nil
}

// Kill is kill -9, and the wait for the end. A child that has ended is left alone.
func (c *Child) Kill() {
	_ = c.Strike() // an error: it has just ended
	<-c.done
}

// Pause is kill -STOP: the child stands still, with its connections open, until Continue.
func (c *Child) Pause() error { return c.signal(syscall.SIGSTOP) }

// Continue is kill -CONT.
func (c *Child) Continue() error { return c.signal(syscall.SIGCONT) }

func (c *Child) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s to %s: %w", s, c.Name, err)
	}
	return nil
}

// Term asks the child to end, and returns at once.
func (c *Child) Term() {
	c.Expect()
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // an error: it has just ended
}

// Stop asks the child to end, and kills it where it does not within limit.
func (c *Child) Stop(limit time.Duration) {
	c.Term()
	select {
	case <-c.done:
	case <-time.After(limit):
		c.Kill()
	}
}

// Expect notes that the child will end on purpose, in a way of its own.
func (c *Child) Expect() { c.asked.Store(true) }

// Killed reports whether the child, which has ended, was killed with SIGKILL. Call it after Done.
func (c *Child) Killed() bool {
	exit, ok := errors.AsType[*exec.ExitError](c.err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// Result returns the exit of the child, which has ended: nil for exit code 0. Call it after Done.
func (c *Child) Result() error { return c.err }

// Ended returns an error with the child's last line if the child has ended without being asked to.
func (c *Child) Ended() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	if c.asked.Load() {
		return nil
	}
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	return fmt.Errorf("%s ended by itself, %s, after it said %q: see %s", c.Name, how, lastLine(c.Log), c.Log)
}

// lastLine returns the last line of the file that is not empty, 500 bytes of it at most, or "" where it cannot be read.
func lastLine(path string) string {
	const most = 500
	f, err := os.Open(path) //nolint:gosec // the log of a child
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if size, err := f.Seek(0, io.SeekEnd); err != nil || size == 0 {
		return ""
	} else if _, err := f.Seek(max(0, size-most), io.SeekStart); err != nil {
		return ""
	}
	end, _ := io.ReadAll(io.LimitReader(f, most))
	lines := strings.Split(strings.TrimSpace(string(end)), "\n")
	return lines[len(lines)-1]
}
