package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bestow/http/client"
	"bestow/internal/english"
	"bestow/internal/proc"
)

const (
	// chaosReady is the time that the service may take to be there again after a kill.
	chaosReady = time.Minute
	// chaosPatience bounds the wait of a blow for a process that works again, so that most blows hit.
	chaosPatience = 5 * time.Second
	// chaosConns holds what a process of the service takes of PostgreSQL's 100 connections, so that six have enough.
	chaosConns = 12
	// postgresName is the demo's own PostgreSQL among those who are killed.
	postgresName = "postgresql"
)

// chaos is the demo's service as processes of their own, and who kills them.
type chaos struct {
	seed     uint64
	blows    []blow // still to come
	services []*chaosService
	api      *client.Client
	http     http.Client
	killed   map[string]int                             // who, how often
	struck   int                                        // blows that were dealt
	quiet    time.Time                                  // since when no process was killed; events may come and go meanwhile
	postgres func(context.Context, time.Duration) error // kills the demo's own and starts it again; nil where it is another's
}

// chaosService is one process of the service, started again and again at the same addresses.
type chaosService struct {
	proc.Program
	ops string // its private address
	now *proc.Child
}

// blow is one kill of one process or of all.
type blow struct {
	who   victim
	which int           // of two relays or handlers
	after time.Duration // since the one before was over
	dead  time.Duration
}

// victim says who is killed.
type victim int

// The victims, of which five blows in a row get each once.
const (
	aHandler victim = iota
	aRelay
	theAPI
	everybody   // the five processes of the service in one moment
	thePostgres // only where it is the demo's own
	victims     // how many there are
)

// newChaos plans so many blows: who is killed when, and for how long, follows from the seed.
func newChaos(seed uint64, kills int) *chaos {
	c := &chaos{seed: seed, killed: map[string]int{}, http: http.Client{Timeout: 5 * time.Second}}
	random := rand.New(rand.NewPCG(seed, 0))
	var order []int
	for i := range kills {
		if i%int(victims) == 0 {
			order = random.Perm(int(victims))
		}
		c.blows = append(c.blows, blow{
			who: victim(order[i%int(victims)]), which: random.IntN(2),
			after: time.Second + time.Duration(random.Int64N(int64(2*time.Second))),
			dead:  300*time.Millisecond + time.Duration(random.Int64N(int64(1200*time.Millisecond))),
		})
	}
	return c
}

// start starts the service: this very program, five times.
func (c *chaos) start(ctx context.Context, d *demo) (err error) {
	if c.api, err = client.New("http://"+d.cfg.Addr, d.cfg.AdminKey); err != nil {
		return err
	}
	if d.postgres != nil {
		c.postgres = d.killPostgres
	}
	if c.services, err = d.chaosServices(ctx); err != nil {
		return err
	}
	d.aside("Service", "five processes of their own: %s", strings.Join(names(c.services), ", "))
	d.sayLogs()
	if err := begin(ctx, c.services); err != nil {
		return err
	}
	return c.ready(ctx)
}

// chaosServices are the processes of the service, not started yet.
func (d *demo) chaosServices(ctx context.Context) (list []*chaosService, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find ourselves: %w", err)
	}
	ports, err := proc.FreePorts(ctx, 10)
	if err != nil {
		return nil, err
	}
	for i, s := range []struct{ name, roles string }{
		{"api", "api,money"}, {"relay-1", "relay,jobs"}, {"relay-2", "relay,jobs"}, {"handler-1", "handler,jobs"}, {"handler-2", "handler,jobs"},
	} {
		addr, ops, log := proc.Address(ports[2*i]), proc.Address(ports[2*i+1]), filepath.Join(d.dir, s.name+".log")
		if s.name == "api" {
			addr = d.cfg.Addr
		}
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			return nil, fmt.Errorf("begin the log of %s: %w", s.name, err)
		}
		list = append(list, &chaosService{ops: ops, Program: proc.Program{
			Name: s.name, Log: log, Env: append(os.Environ(), d.childSettings(addr, ops)...),
			Args: []string{self, "demo-serve", "--roles", s.roles, "--parent", strconv.Itoa(os.Getpid())},
		}})
	}
	return list, nil
}

// childSettings are the environment of a process of the service, beside ours.
func (d *demo) childSettings(addr, ops string) []string {
	return []string{
		"DATABASE_URL=" + d.cfg.DatabaseURL, "KAFKA_BROKERS=" + strings.Join(d.cfg.Brokers, ","), "LOG_FORMAT=text",
		"BESTOW_ADMIN_KEY=" + d.cfg.AdminKey, "BESTOW_MASTER_KEY=" + d.cfg.MasterKey, "BESTOW_MASTER_KEY_FILE=",
		"BESTOW_ADDR=" + addr,
		"BESTOW_OPS_ADDR=" + ops,
		"BESTOW_MONEY_ADDR=" + d.cfg.MoneyAddr, "BESTOW_MONEY_TOKEN=" + d.cfg.MoneyToken, "BESTOW_MONEY_TOKEN_FILE=",
		"BESTOW_DB_MAX_CONNS=" + strconv.Itoa(min(d.cfg.MaxConns, chaosConns)),
	}
}

// killPostgres kills the demo's own PostgreSQL, and starts it again at its port.
func (d *demo) killPostgres(ctx context.Context, dead time.Duration) error {
	u, err := url.Parse(d.postgres.URL)
	if err != nil {
		return fmt.Errorf("read PostgreSQL's address: %w", err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return fmt.Errorf("read PostgreSQL's port: %w", err)
	}
	postmaster, err := os.FindProcess(d.postgres.PID)
	if err != nil {
		return fmt.Errorf("find PostgreSQL: %w", err)
	}
	if err := postmaster.Kill(); err != nil {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	<-d.postgres.Done()
	rest(ctx, dead)
	return d.startPostgres(ctx, port)
}

func names(list []*chaosService) (all []string) {
	for _, s := range list {
		all = append(all, s.Name)
	}
	return all
}

func begin(ctx context.Context, list []*chaosService) (err error) {
	for _, s := range list {
		if s.now, err = s.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// during deals blows while watch runs, and returns when all processes are there again.
func (c *chaos) during(ctx context.Context, s *bar, watch func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over, dealt := make(chan struct{}), make(chan error, 1)
	go func() {
		err := c.deal(ctx, s, over)
		if err != nil {
			stop() // the watch is not needed any more
		}
		dealt <- err
	}()
	err := watch(ctx)
	if err != nil {
		stop()
	}
	close(over)
	if dealing := <-dealt; dealing != nil && !errors.Is(dealing, context.Canceled) {
		return dealing
	}
	return err
}

// deal deals the blows that are still to come, then looks after the service, until it is over.
func (c *chaos) deal(ctx context.Context, s *bar, over <-chan struct{}) error {
	at := -1 // the first draw is a move
	if c.quiet.IsZero() {
		c.quiet = time.Now()
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return c.ended()
		case <-tick.C:
		}
		if err := c.ended(); err != nil {
			return err
		}
		if !c.due(time.Since(c.quiet), s.drawn() > at) {
			continue
		}
		if err := c.strike(ctx, s, c.blows[0]); err != nil {
			return err
		}
		c.quiet, at = time.Now(), s.drawn()
		if c.blows = c.blows[1:]; len(c.blows) == 0 {
			s.above(plain, "no more kills;", "what they cut off is done again in seconds")
		}
	}
}

// due reports whether the next blow is: after its time, and where nothing goes on since the one before, somewhat later.
func (c *chaos) due(quiet time.Duration, moves bool) bool {
	return len(c.blows) > 0 && (quiet > c.blows[0].after && moves || quiet > c.blows[0].after+chaosPatience)
}

// strike kills the blow's processes, leaves them dead for a moment, starts them again, and waits until all are ready.
func (c *chaos) strike(ctx context.Context, s *bar, b blow) error {
	c.struck++
	began := time.Now()
	if b.who == thePostgres && c.postgres != nil {
		c.killed[postgresName]++
		s.above(s.line.screen.Bad, "kill -9", "PostgreSQL's postmaster, dead for %.1f s", b.dead.Seconds())
		if err := c.postgres(ctx, b.dead); err != nil {
			return err
		}
		return c.back(ctx, s, began)
	}
	struck := c.struckBy(b)
	if err := kill(struck); err != nil {
		return err
	}
	for _, v := range struck {
		c.killed[v.Name]++
	}
	who := struck[0].Name
	if len(struck) > 1 {
		who = "all five at once"
	}
	s.above(s.line.screen.Bad, "kill -9", "%s, dead for %.1f s", who, b.dead.Seconds())
	rest(ctx, b.dead)
	if err := begin(ctx, struck); err != nil {
		return err
	}
	return c.back(ctx, s, began)
}

// back waits until all are ready after a kill, and says how long that took.
func (c *chaos) back(ctx context.Context, s *bar, killed time.Time) error {
	err := c.ready(ctx)
	if err == nil {
		s.above(s.line.screen.Good, "ready", "all of them again, %.1f s after the kill", time.Since(killed).Seconds())
	}
	return err
}

// struckBy returns the processes of a blow. If PostgreSQL is not ours to kill, all processes of bestow take its place.
func (c *chaos) struckBy(b blow) []*chaosService {
	switch b.who {
	case theAPI:
		return c.services[:1]
	case aRelay:
		return c.services[1+b.which : 2+b.which]
	case aHandler:
		return c.services[3+b.which : 4+b.which]
	case everybody, thePostgres, victims:
	}
	return c.services
}

// kill kills all of the list in one moment, and waits for their ends.
func kill(list []*chaosService) error {
	children := make([]*proc.Child, len(list))
	for i, s := range list {
		children[i] = s.now
	}
	return proc.KillAll(children...)
}

// ready waits until every process says that it can work.
func (c *chaos) ready(ctx context.Context) error {
	deadline := time.Now().Add(chaosReady)
	for _, s := range c.services {
		for !c.isReady(ctx, s) {
			if err := errors.Join(ctx.Err(), c.ended()); err != nil {
				return err
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not ready %s after its start: see %s", s.Name, chaosReady, s.Log)
			}
			rest(ctx, 50*time.Millisecond)
		}
	}
	return nil
}

func (c *chaos) isReady(ctx context.Context, s *chaosService) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.ops+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := c.http.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // its status is all
	return res.StatusCode == http.StatusOK
}

// ended names the processes that have ended without being killed: a fault of bestow.
func (c *chaos) ended() error {
	var errs []error
	for _, s := range c.services {
		if s.now != nil {
			errs = append(errs, s.now.Ended())
		}
	}
	return errors.Join(errs...)
}

// tally says who was killed, and how often.
func (c *chaos) tally() string {
	total, list := 0, make([]string, 0, len(c.services)+1)
	for _, name := range append(names(c.services), postgresName) {
		if n := c.killed[name]; n > 0 {
			total += n
			list = append(list, fmt.Sprintf("%s %d×", name, n))
		}
	}
	return fmt.Sprintf("%s with kill -9, at %s: %s", english.Count(total, "process"), english.Count(c.struck, "moment"),
		strings.Join(list, ", "))
}

// stop ends the service in order, and not in order who takes too long.
func (c *chaos) stop() {
	deadline := time.Now().Add(10 * time.Second)
	for _, s := range c.services {
		if s.now != nil {
			s.now.Term()
		}
	}
	for _, s := range c.services {
		if s.now != nil {
			s.now.Stop(time.Until(deadline))
		}
	}
	if c.api != nil {
		c.api.Close()
	}
	c.http.CloseIdleConnections()
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
