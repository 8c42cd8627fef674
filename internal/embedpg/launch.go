package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// errPortTaken means that another process took the port between our look and postgres' bind.
var errPortTaken = errors.New("port is taken")

// process is a postmaster and the goroutine that waits for it.
type process struct {
	pid   int
	cmd   *exec.Cmd
	log   string
	from  int64         // where this start begins in log
	asked atomic.Bool   // we told it to end
	done  chan struct{} // closed when the process has ended
	err   error         // its exit, to be read after done
	free  func()        // lets go of what watches over it
}

// launch starts postgres and waits until it takes connections.
func launch(ctx context.Context, d *folder, bin binaries, o Options) (*process, int, error) {
	for try := 1; ; try++ {
		port, err := pickPort(ctx, o.Port)
		if err != nil {
			return nil, 0, err
		}
		p, err := launchOn(ctx, d, bin, port, o.Settings)
		if err == nil {
			return p, port, nil
		}
		if !errors.Is(err, errPortTaken) || o.Port != 0 || try == 10 {
			return nil, 0, err
		}
	}
}

func pickPort(ctx context.Context, port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func launchOn(ctx context.Context, d *folder, bin binaries, port int, settings map[string]string) (*process, error) {
	log, from, err := openLog(d.path)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // postgres has its own descriptor by then
	p := &process{log: d.file("postgres.log"), from: from, done: make(chan struct{}), free: func() {}}
	args := arguments(d.data(), port, settings)
	//nolint:gosec // what findBinaries chose, and no shell
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), bin.postgres(), args...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = d.path, environment(), log, log
	p.cmd.SysProcAttr = d.account.attr(true)
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("run %s: %w", bin.postgres(), err)
	}
	if err := p.ready(ctx, d.data()); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// maxLog is the size beyond which an old log is thrown away at the next start.
const maxLog = 8 << 20

// openLog opens the log at its end, and says where that is.
func openLog(dir string) (*os.File, int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile("postgres.log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil && end > maxLog {
		end, err = 0, f.Truncate(0)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, end, nil
}

// start begins the process and the goroutine that waits for it. The goroutine keeps its thread: the kernel's signal at
// our death is bound to the thread that made the child, and Go may end an idle one.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		if err == nil {
			p.pid = p.cmd.Process.Pid
			p.free, err = guard(p.pid)
		}
		started <- err
		if p.pid != 0 {
			p.err = p.cmd.Wait()
			p.free()
		}
		close(p.done)
	}()
	err := <-started
	if err != nil && p.pid != 0 {
		p.kill()
	}
	return err
}

// ready waits until line 8 of postmaster.pid says so; line 1 tells this file from the one of a killed predecessor.
func (p *process) ready(ctx context.Context, data string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return p.lastWords()
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w", ctx.Err())
		case <-tick.C:
		}
		line, _ := postmaster(data) // an error means that it does not exist yet
		if len(line) >= 8 && line[0] == strconv.Itoa(p.pid) && strings.TrimSpace(line[7]) == "ready" {
			return nil
		}
	}
}

// postmaster returns the lines of postmaster.pid, in which postgres writes about itself.
func postmaster(data string) ([]string, error) {
	b, err := fs.ReadFile(os.DirFS(data), "postmaster.pid")
	if err != nil {
		return nil, fmt.Errorf("read postmaster.pid: %w", err)
	}
	return strings.Split(string(b), "\n"), nil
}

// stop asks for a fast shutdown, and for an immediate one when ctx ends.
func (p *process) stop(ctx context.Context) error {
	select {
	case <-p.done:
		if p.err != nil && !p.asked.Load() {
			return p.lastWords()
		}
		return nil
	default:
	}
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGINT) // an error: it has just ended
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stop postgres in order: %w", ctx.Err())
	}
}

// kill ends postgres at once: SIGQUIT first, which lets it end its children and free its shared memory.
func (p *process) kill() {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// lastWords returns an error with the exit of postgres and the end of its log.
func (p *process) lastWords() error {
	said, _ := os.ReadFile(p.log) // without it, the error has only the exit
	said = said[min(p.from, int64(len(said))):]
	text := strings.TrimSpace(string(said[max(0, len(said)-4096):]))
	if strings.Contains(text, "could not bind") {
		return fmt.Errorf("%w: %s", errPortTaken, text)
	}
	return fmt.Errorf("postgres ended: %w: %s", p.err, text)
}
