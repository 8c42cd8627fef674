package embedkafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bestow/internal/embedpg/flock"
	"bestow/internal/ownfiles"

	"github.com/twmb/franz-go/pkg/kfake"
)

// ErrInUse is returned by Start when another instance holds the folder.
var ErrInUse = flock.ErrInUse

// Options say where a broker of our own keeps its data and where it listens; the zero value is good for a test.
type Options struct {
	// Dir is the folder of the data, made if absent; "" keeps everything in memory.
	Dir string
	// Addr is host:port on this machine; "" is a free port of 127.0.0.1.
	Addr string
	// Advertise is the host:port that clients connect to, if it is not Addr: that of a proxy.
	Advertise string
	// Log gets the errors of the data (a full disk); nil is silent.
	Log *slog.Logger
}

// Server is a running broker; end it with Close.
type Server struct {
	// Brokers is the broker's host:port, in the form that clients take.
	Brokers []string

	cluster *kfake.Cluster
	silence *silence
	lock    *os.File
	once    sync.Once
}

// Start starts a broker and returns when it takes connections. It returns ErrInUse if another instance still holds the
// folder after two seconds.
func Start(ctx context.Context, o Options) (*Server, error) {
	listener, err := listen(ctx, o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start kafka: %w", err)
	}
	s := &Server{Brokers: []string{cmp.Or(o.Advertise, listener.Addr().String())}}
	advertised, err := advertise(listener, o.Advertise)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start kafka: %w", err), listener.Close())
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return advertised, nil }),
		kfake.WithLogger(newLogger(o.Log)),
	}
	if o.Dir != "" {
		if s.lock, err = lock(ctx, o.Dir); err != nil {
			return nil, errors.Join(fmt.Errorf("start kafka: %w", err), listener.Close())
		}
		data := filepath.Join(o.Dir, "data")
		if err := ownfiles.CheckUsable(data); err != nil {
			return nil, errors.Join(fmt.Errorf("start kafka: %w: give the folder to the user who runs bestow (chown "+
				"-R), or set BESTOW_DATA_DIR to another folder", err), listener.Close(), s.unlock())
		}
		options = append(options, kfake.DataDir(data), kfake.SyncWrites())
	}
	if s.cluster, err = kfake.NewCluster(options...); err != nil {
		_ = listener.Close() // closed already, unless the cluster did not come that far
		if o.Dir != "" {
			err = fmt.Errorf("%w: if the files in %s are damaged, delete that folder; "+
				"what was not granted yet is published again", err, filepath.Join(o.Dir, "data"))
		}
		return nil, errors.Join(fmt.Errorf("start kafka: %w", err), s.unlock())
	}
	if s.silence, err = watchSilence(s.cluster, listener.Addr().String(), o.Log); err != nil {
		s.cluster.Close()
		return nil, errors.Join(fmt.Errorf("start kafka: %w", err), s.unlock())
	}
	return s, nil
}

// Close ends the broker and, if it has a folder, saves its state for a quick start. Closing twice does nothing.
func (s *Server) Close() {
	s.once.Do(func() {
		s.silence.close()
		s.cluster.Close()
		_ = s.unlock() // the file holds nothing
	})
}

// listen refuses every address that another machine could reach, since any client may read and write everything.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("listen on %s: only an address of this machine alone, "+
			"such as 127.0.0.1:9092, is safe for a broker without passwords", addr), l.Close())
	}
	return l, nil
}

// elsewhere is a listener with another address, which the broker then gives to its clients.
type elsewhere struct {
	net.Listener
	at net.Addr
}

func (e elsewhere) Addr() net.Addr { return e.at }

func advertise(l net.Listener, addr string) (net.Listener, error) {
	if addr == "" {
		return l, nil
	}
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	return elsewhere{l, at}, nil
}

func lock(ctx context.Context, dir string) (*os.File, error) {
	if err := ownfiles.PrivateFolder(dir); err != nil {
		return nil, fmt.Errorf("make data folder: %w: set BESTOW_DATA_DIR to a folder you may write to", err)
	}
	f, err := flock.Take(ctx, filepath.Join(dir, "lock"), 2*time.Second)
	if err != nil {
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	return f, nil
}

func (s *Server) unlock() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}
