package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// program is what can be started any number of times.
type program struct {
	name   string
	args   []string // the first is the file
	env    []string
	log    string // the file that gets what it says
	speaks bool   // it says one line when it is ready
}

// child is one run of a program.
type child struct {
	program
	cmd   *exec.Cmd
	said  string        // the line of a program that speaks
	asked atomic.Bool   // we ended it
	done  chan struct{} // closed when it has ended
	err   error         // how, to be read after done
}

// start runs the program, and waits for its line if it speaks. A child that does not come so far is killed.
func (p program) start(ctx context.Context) (*child, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor by then
	c := &child{program: p, done: make(chan struct{})}
	c.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.args[0], p.args[1:]...) //nolint:gosec // what we built, and ourselves
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr, c.cmd.SysProcAttr = p.env, log, log, attr()
	if !p.speaks {
		err = c.run()
	} else {
		err = c.listen(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w: see %s", p.name, err, p.log)
	}
	return c, nil
}

// run begins the process, and the goroutine that waits for it. The goroutine keeps its thread: the kernel's signal at our
// death is bound to the thread that made the child, and Go may end an idle one.
func (c *child) run() error {
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
func (c *child) listen(ctx context.Context) error {
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
	defer context.AfterFunc(ctx, c.kill)()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		c.kill()
		return errors.Join(errors.New("it ended before it was ready"), c.err, ctx.Err())
	}
	c.said = strings.TrimSpace(line)
	return nil
}

// kill is kill -9, and the wait for its end.
func (c *child) kill() {
	c.asked.Store(true)
	_ = c.cmd.Process.Kill() // an error: it has just ended
	<-c.done
}

// stop asks the child to end, and kills it where it does not.
func (c *child) stop() {
	c.asked.Store(true)
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // an error: it has just ended
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.kill()
	}
}

// ended is an error if the child has ended though nobody asked it to.
func (c *child) ended() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	if c.asked.Load() {
		return nil
	}
	return fmt.Errorf("%s ended by itself: %w: see %s", c.name, errors.Join(errors.New("nobody killed it"), c.err), c.log)
}
