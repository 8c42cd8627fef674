package main

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

	"bestow/internal/proc"
	"bestow/internal/realkafka/cluster"
	"bestow/internal/seal"
)

// installation is bestow as it is deployed, with its servers. Everything of it is in one folder.
type installation struct {
	dir      string
	binary   string
	url      string   // of the database
	env      []string // of every process of bestow
	api      *api
	kafka    *proc.Child      // the embedded broker, nil where there is a real one
	cluster  *cluster.Cluster // the real Apache Kafka
	dead     int              // its broker that was killed last
	postgres *proc.Child
	master   postmaster
	services []*service
}

// service is one process of bestow, started again and again at the same addresses.
type service struct {
	proc.Program
	ops string // its private address
	now *proc.Child
}

// The services by their place in the list.
const (
	apiPlace     = 0
	relayPlace   = 1 // and 2
	handlerPlace = 3 // and 4
)

// install builds bestow and starts everything. The caller tears it down, after an error too.
func install(ctx context.Context, o options) (*installation, error) {
	in := &installation{}
	var err error
	if in.dir, err = os.MkdirTemp("", "bestow-kill-"); err != nil {
		return in, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(in.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL, which does not run as root, must pass it
		return in, fmt.Errorf("make folder: %w", err)
	}
	in.binary = filepath.Join(in.dir, "bestow")
	if err := in.command(ctx, "build", "go", "build", "-o", in.binary, "bestow/cmd/bestow"); err != nil {
		return in, err
	}
	brokers, err := in.startKafka(ctx, o.kafka)
	if err != nil {
		return in, err
	}
	ports, err := proc.FreePorts(ctx, 11)
	if err != nil {
		return in, err
	}
	if err := in.startPostgres(ctx, ports[0]); err != nil {
		return in, err
	}
	in.configure(brokers, o, ports[1:])
	if err := in.command(ctx, "migrate", in.binary, "migrate", "up"); err != nil {
		return in, err
	}
	if err := in.start(ctx, in.services); err != nil {
		return in, err
	}
	return in, in.ready(ctx)
}

// startPostgres starts PostgreSQL.
func (in *installation) startPostgres(ctx context.Context, port int) error {
	p, err := in.server("postgresql", servePostgres, in.file("postgresql"), strconv.Itoa(port))
	if err != nil {
		return err
	}
	if in.postgres, err = p.Start(ctx); err != nil {
		return err
	}
	in.master, err = readPostmaster(in.postgres.Said)
	in.url = in.master.url
	return err
}

// server is this program as one of its servers.
func (in *installation) server(name string, args ...string) (proc.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return proc.Program{}, fmt.Errorf("find ourselves: %w", err)
	}
	return proc.Program{Name: name, Args: append([]string{self}, args...), Env: environment(), Log: in.file(name + ".log"), Speaks: true}, nil
}

// configure says what the processes of bestow are.
func (in *installation) configure(brokers string, o options, ports []int) {
	in.api = &api{url: "http://" + proc.Address(ports[0]) + "/api/v1", key: seal.GenerateMaster()}
	in.env = append(environment(),
		"DATABASE_URL="+in.url, "KAFKA_BROKERS="+brokers, "BESTOW_TOPIC_PREFIX="+topicPrefix, "LOG_FORMAT=text",
		"BESTOW_ADMIN_KEY="+in.api.key, "BESTOW_MASTER_KEY="+seal.GenerateMaster())
	if o.brokerKills > 0 {
		in.env = append(in.env, "BESTOW_MESSAGE_TARGETS="+manyMessages)
	}
	for i, s := range []struct{ name, roles string }{
		{"api", "api"}, {"relay-1", "relay,jobs"}, {"relay-2", "relay,jobs"}, {"handler-1", "handler,jobs"}, {"handler-2", "handler,jobs"},
	} {
		addr, ops := proc.Address(ports[2*i]), proc.Address(ports[2*i+1])
		in.services = append(in.services, &service{ops: ops, Program: proc.Program{
			Name: s.name, Args: []string{in.binary, "serve", "--roles", s.roles}, Log: in.file(s.name + ".log"),
			Env: append(in.env[:len(in.env):len(in.env)], "BESTOW_ADDR="+addr, "BESTOW_OPS_ADDR="+ops),
		}})
	}
}

func (in *installation) file(name string) string { return filepath.Join(in.dir, name) }

// command runs a program to its end; what it says goes to a log.
func (in *installation) command(ctx context.Context, name, file string, args ...string) error {
	cmd := exec.CommandContext(ctx, file, args...) //nolint:gosec // the compiler, or what it built
	if cmd.Env = in.env; file == "go" {
		cmd.Env = nil // ours: the compiler's cache is found by it
	}
	said, err := cmd.CombinedOutput()
	if writeErr := os.WriteFile(in.file(name+".log"), said, 0o600); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	if err != nil {
		return fmt.Errorf("run %s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// victims are the services that a round kills, none where it kills PostgreSQL or a broker.
func (in *installation) victims(r round) []*service {
	switch r.victim {
	case relay:
		return in.services[relayPlace+r.which:][:1]
	case handler:
		return in.services[handlerPlace+r.which:][:1]
	case everything:
		return in.services
	case postgres, broker, victims:
	}
	return nil
}

// kill kills the round's victims with SIGKILL, all in the same moment, and waits for their end.
func (in *installation) kill(ctx context.Context, r round) error {
	if r.victim == broker {
		return in.killLeader(ctx, r)
	}
	if r.victim == postgres {
		in.postgres.Expect()
		p, err := os.FindProcess(in.master.pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			return fmt.Errorf("kill the postmaster: %w", err)
		}
		<-in.postgres.Done()
		return nil
	}
	killed := in.victims(r)
	for _, s := range killed {
		if err := s.now.Strike(); err != nil {
			return err
		}
	}
	for _, s := range killed {
		<-s.now.Done()
	}
	return nil
}

// restart starts the round's victims again. PostgreSQL is waited for, since it recovers before it is there, and a broker,
// since the others let it in again when its session has ended.
func (in *installation) restart(ctx context.Context, r round) (err error) {
	if r.victim == broker {
		return in.cluster.StartBroker(ctx, in.dead)
	}
	if r.victim != postgres {
		return in.start(ctx, in.victims(r))
	}
	if in.postgres, err = in.postgres.Start(ctx); err != nil {
		return err
	}
	in.master, err = readPostmaster(in.postgres.Said)
	return err
}

func (in *installation) start(ctx context.Context, list []*service) error {
	for _, s := range list {
		var err error
		if s.now, err = s.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until every service says that it is, and every message is on every broker.
func (in *installation) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, s := range in.services {
		err := poll(ctx, 5*interval, func() (bool, error) { return in.isReady(ctx, s), in.ended() })
		if err != nil {
			return fmt.Errorf("wait for %s: %w", s.Name, err)
		}
	}
	if in.cluster != nil {
		return in.cluster.InSync(ctx)
	}
	return nil
}

func (in *installation) isReady(ctx context.Context, s *service) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.ops+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := in.api.http.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// ended names the children that are gone though nobody killed them.
func (in *installation) ended() error {
	var errs []error
	for _, c := range in.children() {
		errs = append(errs, c.Ended())
	}
	if in.cluster != nil {
		errs = append(errs, in.cluster.Ended())
	}
	return errors.Join(errs...)
}

func (in *installation) children() []*proc.Child {
	var list []*proc.Child
	for _, s := range in.services {
		list = append(list, s.now)
	}
	list = append(list, in.postgres, in.kafka)
	alive := list[:0]
	for _, c := range list {
		if c != nil {
			alive = append(alive, c)
		}
	}
	return alive
}

// tearDown ends everything, and deletes the folder unless somebody wants to look at it.
func (in *installation) tearDown(keep bool) error {
	for _, s := range in.services {
		if s.now != nil {
			s.now.Kill()
		}
	}
	for _, c := range in.children() {
		c.Stop(20 * time.Second)
	}
	if in.cluster != nil {
		in.cluster.Kill()
	}
	if keep || in.dir == "" {
		return nil
	}
	if err := os.RemoveAll(in.dir); err != nil { //nolint:gosec // install made it
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
