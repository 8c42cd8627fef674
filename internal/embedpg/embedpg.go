package embedpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"bestow/internal/embedpg/flock"
)

var (
	// ErrInUse is returned by Start and Remove when another instance runs in the folder.
	ErrInUse = flock.ErrInUse
	// ErrNoBinaries is returned by Start when no usable PostgreSQL is installed and none can be fetched.
	ErrNoBinaries = errors.New("no usable PostgreSQL found (15 or later)")
)

// Options say where and how a PostgreSQL of our own is started; Dir alone is enough.
type Options struct {
	// Dir is the folder that holds everything of this instance; it is made if absent.
	Dir string
	// Settings are added to, and win over, our settings of postgresql.conf.
	Settings map[string]string
	// Log hears of the slow steps (fetching, making a cluster, stopping an orphan); nil is silent.
	Log *slog.Logger
	// OnFetch is called before a PostgreSQL is downloaded into a folder, which takes a while; nil is not called.
	OnFetch func(version, folder string)
	// Port on 127.0.0.1; 0 takes a free one at every start.
	Port int
	// Fetch passes over the machine's own binaries and uses the fetched PostgreSQL 18.
	Fetch bool
	// Cache is the folder of the fetched binaries; "" is /var/cache/bestow as root and the user's cache folder else.
	Cache string
}

// Server is a running PostgreSQL; stop it with Stop.
type Server struct {
	// URL is the superuser's postgres:// connection string, password included.
	URL string
	// Version is that of the binaries, such as 15.18.
	Version string
	// PID is the process id of the postmaster.
	PID int

	proc *process
	done chan struct{}
}

// Start starts PostgreSQL in o.Dir and returns when it takes connections. Recovery after a kill has no time limit but
// ctx's; ctx is not looked at after Start has returned. It returns ErrInUse if another instance still holds the folder
// after two seconds and ErrNoBinaries if there is no PostgreSQL to run.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkSettings(o.Settings); err != nil {
		return nil, err
	}
	d, err := openDir(ctx, o.Dir, 2*time.Second)
	if err != nil {
		return nil, err
	}
	s, err := startIn(ctx, d, o)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("start postgres in %s: %w", d.path, err)
	}
	go func() {
		<-s.proc.done
		d.close() // before done: who waits for Done may start again at once
		close(s.done)
	}()
	return s, nil
}

// startIn needs d's lock.
func startIn(ctx context.Context, d *folder, o Options) (*Server, error) {
	if err := stopOrphans(ctx, d.data(), o.Log); err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, d, o)
	if err != nil {
		return nil, err
	}
	password, err := d.password()
	if err != nil {
		return nil, err
	}
	if err := ensureCluster(ctx, d, bin, o); err != nil {
		return nil, err
	}
	proc, port, err := launch(ctx, d, bin, o)
	if err != nil {
		return nil, err
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, password),
		Host:     "127.0.0.1:" + strconv.Itoa(port),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return &Server{URL: u.String(), Version: bin.version, PID: proc.pid, proc: proc, done: make(chan struct{})}, nil
}

// Done is closed when postgres has ended, by Stop or by itself, and its folder is free again.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends postgres in order: open transactions are rolled back, everything is on disk. If ctx ends first postgres is
// made to end at once (nothing committed is lost: the next start recovers) and ctx's error is returned. Stopping a
// stopped server does nothing; one that died by itself is an error with its last words.
func (s *Server) Stop(ctx context.Context) error {
	err := s.proc.stop(ctx)
	<-s.done
	return err
}

// Kill ends postgres without the checkpoint that Stop waits for. It is for data that is not needed any more.
func (s *Server) Kill() {
	s.proc.kill()
	<-s.done
}

// patience bounds the wait for an orderly end, before postgres is killed. Postgres gives its own children 5 s.
const patience = 10 * time.Second
