package testbed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bestow/internal/harness/realkafka/cluster"
	"bestow/internal/proc"
)

// Options say what is installed.
type Options struct {
	// Name begins the names of the folder and of the topics.
	Name string
	// Tags are the build tags of bestow.
	Tags string
	// Kafka is the number of brokers of the real Apache Kafka; 0: the embedded one.
	Kafka int
	// Services are the processes of bestow.
	Services []Service
	// Env has more settings for all of them, "NAME=value".
	Env []string
	// Proxy puts a proxy before a server, and returns the address that leads there. It is asked once for each service
	// and PostgreSQL, once for each service that asks a ledger over HTTP, and once for the embedded broker, for which
	// service is empty. Nil: nothing stands before them.
	Proxy func(server, service, addr string) (string, error)
}

// The servers that Proxy is asked for.
const (
	PostgreSQL = "postgresql"
	Kafka      = "kafka"
	Ledger     = "ledger"
)

// Testbed is an installation. Everything of it is in one folder.
type Testbed struct {
	// Dir is the folder, with the log of each process.
	Dir string
	// URL is the database's, with nothing before it; Brokers are the addresses that the services have of Kafka.
	URL, Brokers string
	// Version is PostgreSQL's.
	Version string
	// API is the service's.
	API *API
	// Cluster is the real Apache Kafka, nil where there is none.
	Cluster *cluster.Cluster
	// Processes are those of bestow, in the order of Options.Services.
	Processes []*Process

	options  Options
	binary   string
	env      []string // of every process of bestow
	kafka    *proc.Child
	postgres *proc.Child
	master   postmaster
}

// Process is one process of bestow, started again and again at the same addresses.
type Process struct {
	proc.Program
	Ops string // its private address
	Now *proc.Child
}

// Kill is kill -9, and the wait for the end.
func (p *Process) Kill() { p.Now.Kill() }

// Install builds bestow and starts everything. The caller tears it down, after an error too.
func Install(ctx context.Context, o Options) (*Testbed, error) {
	b := &Testbed{options: o}
	var err error
	if b.Dir, err = os.MkdirTemp("", "bestow-"+o.Name+"-"); err != nil {
		return b, fmt.Errorf("make folder: %w", err)
	}
	//nolint:gosec // PostgreSQL, which does not run as root, must pass it
	if err := os.Chmod(b.Dir, 0o755); err != nil {
		return b, fmt.Errorf("make folder: %w", err)
	}
	b.binary = filepath.Join(b.Dir, "bestow")
	if err := b.command(ctx, "build", "go", "build", "-tags", o.Tags, "-o", b.binary, "bestow/cmd/bestow"); err != nil {
		return b, err
	}
	if err := b.startServers(ctx); err != nil {
		return b, err
	}
	if err := b.configure(ctx); err != nil {
		return b, err
	}
	if err := b.Bestow(ctx, "migrate", "migrate", "up"); err != nil {
		return b, err
	}
	if err := b.Start(ctx, b.Processes...); err != nil {
		return b, err
	}
	return b, b.Ready(ctx)
}

func (b *Testbed) startServers(ctx context.Context) error {
	ports, err := proc.FreePorts(ctx, 2)
	if err != nil {
		return err
	}
	if err := b.startKafka(ctx, proc.Address(ports[0])); err != nil {
		return err
	}
	p, err := b.server(PostgreSQL, servePostgres, b.File(PostgreSQL), strconv.Itoa(ports[1]))
	if err != nil {
		return err
	}
	b.postgres, err = p.Start(ctx)
	return b.meetPostgres(err)
}

// meetPostgres reads what a PostgreSQL that was started has said.
func (b *Testbed) meetPostgres(err error) error {
	if err != nil {
		return err
	}
	b.master, err = readPostmaster(b.postgres.Said)
	b.URL, b.Version = b.master.url, b.master.version
	return err
}

// startKafka starts the real Apache Kafka or the embedded one.
func (b *Testbed) startKafka(ctx context.Context, addr string) (err error) {
	if n := b.options.Kafka; n > 0 {
		if b.Cluster, err = cluster.Start(ctx, cluster.Options{Brokers: n, Dir: b.File(Kafka)}); err != nil {
			return err
		}
		b.Brokers = strings.Join(b.Cluster.Brokers(), ",")
		return nil
	}
	advertised, err := b.proxy(Kafka, "", addr)
	if err != nil {
		return err
	}
	p, err := b.server(Kafka, serveKafka, b.File(Kafka), addr, advertised)
	if err != nil {
		return err
	}
	if b.kafka, err = p.Start(ctx); err != nil {
		return err
	}
	b.Brokers = b.kafka.Said
	return nil
}

func (b *Testbed) proxy(server, service, addr string) (string, error) {
	if b.options.Proxy == nil {
		return addr, nil
	}
	return b.options.Proxy(server, service, addr)
}

// server is this program as one of its servers.
func (b *Testbed) server(name string, args ...string) (proc.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return proc.Program{}, fmt.Errorf("find ourselves: %w", err)
	}
	return proc.Program{
		Name: name, Args: append([]string{self}, args...), Env: environment(),
		Log: b.File(name + ".log"), Speaks: true,
	}, nil
}

// File is a file of the installation.
func (b *Testbed) File(name string) string { return filepath.Join(b.Dir, name) }

// Bestow runs a command of bestow to its end; what it says goes to the log of that name.
func (b *Testbed) Bestow(ctx context.Context, log string, args ...string) error {
	return b.command(ctx, log, b.binary, args...)
}

func (b *Testbed) command(ctx context.Context, name, file string, args ...string) error {
	cmd := exec.CommandContext(ctx, file, args...) //nolint:gosec // the compiler, or what it built
	if cmd.Env = b.env; file == "go" {
		cmd.Env = nil // ours: the compiler's cache is found by it
	}
	said, err := cmd.CombinedOutput()
	if writeErr := os.WriteFile(b.File(name+".log"), said, 0o600); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	if err != nil {
		return fmt.Errorf("run %s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// Service is the process of that name; there is one.
func (b *Testbed) Service(name string) *Process {
	for _, p := range b.Processes {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Start starts processes of bestow.
func (b *Testbed) Start(ctx context.Context, list ...*Process) error {
	for _, p := range list {
		var err error
		if p.Now, err = p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Kill kills processes of bestow with SIGKILL, all in the same moment, and waits for their end.
func (b *Testbed) Kill(list ...*Process) error {
	children := make([]*proc.Child, len(list))
	for i, p := range list {
		children[i] = p.Now
	}
	return proc.KillAll(children...)
}

// KillPostgres kills the postmaster; its children see that and end.
func (b *Testbed) KillPostgres() error {
	b.postgres.Expect()
	p, err := os.FindProcess(b.master.pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		return fmt.Errorf("kill the postmaster: %w", err)
	}
	<-b.postgres.Done()
	return nil
}

// StartPostgres starts PostgreSQL again, and returns when it has recovered.
func (b *Testbed) StartPostgres(ctx context.Context) (err error) {
	b.postgres, err = b.postgres.Start(ctx)
	return b.meetPostgres(err)
}

// PostgresLog is the file of what PostgreSQL says.
func (b *Testbed) PostgresLog() string { return filepath.Join(b.File(PostgreSQL), "postgres.log") }

// KillKafka kills the embedded broker.
func (b *Testbed) KillKafka() { b.kafka.Kill() }

// StartKafka starts the embedded broker again.
func (b *Testbed) StartKafka(ctx context.Context) (err error) {
	b.kafka, err = b.kafka.Start(ctx)
	return err
}

// readyWithin is the time that the services may take until all say that they are ready.
const readyWithin = time.Minute

// Ready waits until every service says that it is, and every message is on every broker.
func (b *Testbed) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, p := range b.Processes {
		err := Poll(ctx, 5*Interval, func() (bool, error) { return b.IsReady(ctx, p), b.Ended() })
		if err != nil {
			return fmt.Errorf("wait for %s: %w", p.Name, err)
		}
	}
	if b.Cluster != nil {
		return b.Cluster.InSync(ctx)
	}
	return nil
}

// IsReady asks a process once whether it is ready.
func (b *Testbed) IsReady(ctx context.Context, p *Process) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Ops+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := b.API.http.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Ended names the children that have ended without being killed.
func (b *Testbed) Ended() error {
	var errs []error
	for _, c := range b.children() {
		errs = append(errs, c.Ended())
	}
	if b.Cluster != nil {
		errs = append(errs, b.Cluster.Ended())
	}
	return errors.Join(errs...)
}

func (b *Testbed) children() []*proc.Child {
	var alive []*proc.Child
	for _, p := range b.Processes {
		if p.Now != nil {
			alive = append(alive, p.Now)
		}
	}
	for _, c := range []*proc.Child{b.postgres, b.kafka} {
		if c != nil {
			alive = append(alive, c)
		}
	}
	return alive
}

// TearDown ends everything, and deletes the folder unless it is to be kept.
func (b *Testbed) TearDown(keep bool) error {
	for _, p := range b.Processes {
		if p.Now != nil {
			p.Now.Kill()
		}
	}
	for _, c := range b.children() {
		c.Stop(20 * time.Second)
	}
	if b.Cluster != nil {
		b.Cluster.Kill()
	}
	if keep || b.Dir == "" {
		return nil
	}
	if err := os.RemoveAll(b.Dir); err != nil {
		return fmt.Errorf("delete folder: %w", err)
	}
	return nil
}

// environment is ours without what would configure bestow or PostgreSQL.
func environment() []string {
	var list []string
	for _, pair := range os.Environ() {
		ours := false
		for _, prefix := range []string{"BESTOW_", "DATABASE_URL=", "KAFKA_", "LOG_", "PG"} {
			ours = ours || strings.HasPrefix(pair, prefix)
		}
		if !ours {
			list = append(list, pair)
		}
	}
	return list
}
