package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// between is after how many cycles everything is looked at.
	between = 50
	// readyWithin is the time that a process may take until it says again that it is ready.
	readyWithin = 2 * time.Minute
	// soakEach is the time from one fault of a soak to the next.
	soakEach = 20 * time.Second
)

// world is an installation under load, and who breaks it.
type world struct {
	*testbed.Testbed

	o          options
	proxies    *proxies
	log        *timeline
	topics     *topics
	pool       *pgxpool.Pool // straight to PostgreSQL
	load       *load
	recoveries *recoveries
	planner    *planner

	ruled  map[string]bool // whose ledger misbehaves
	tally  map[string]int  // cycles by fault
	places map[string]bool // where a process died
	ready  []time.Duration // from the beginning of a fault until all say that they are ready
	done   []*campaign     // all that was ever finished

	mu     sync.Mutex
	asleep map[string]chan struct{} // who stands still, until when
	slept  int                      // sleeps to their end
}

func newWorld(ctx context.Context, bed *testbed.Testbed, f *proxies, log *timeline, o options) (*world, error) {
	w := &world{
		Testbed: bed, o: o, proxies: f, log: log, planner: newPlanner(o),
		asleep: map[string]chan struct{}{}, ruled: map[string]bool{}, tally: map[string]int{},
		places: map[string]bool{},
	}
	var err error
	if w.pool, err = pgxpool.New(ctx, bed.URL); err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	w.topics = openTopics(bed)
	w.recoveries = newRecoveries(ctx, w)
	return w, nil
}

func (w *world) close() {
	if w.load != nil {
		w.load.close()
	}
	w.recoveries.close()
	w.pool.Close()
}

// run breaks the installation as often as is asked for.
func (w *world) run(ctx context.Context) error {
	w.load = startLoad(ctx, w)
	var gauges []gauge
	began := time.Now()
	for number := 1; w.more(number, began); number++ {
		if number%between == 1 && number > 1 {
			if err := w.look(ctx, false); err != nil {
				return fmt.Errorf("after cycle %d: %w; seed %d", number-1, err, w.o.seed)
			}
			w.load.goOn()
		}
		if err := w.cycle(ctx, number, w.planner.next()); err != nil {
			return fmt.Errorf("cycle %d: %w; seed %d", number, err, w.o.seed)
		}
		if w.o.soak > 0 {
			g, err := w.measure(ctx, time.Since(began))
			if err != nil {
				return err
			}
			gauges = append(gauges, g)
		}
	}
	if err := w.look(ctx, true); err != nil {
		return fmt.Errorf("at the end: %w; seed %d", err, w.o.seed)
	}
	return w.conclude(gauges)
}

// more reports whether there is another cycle.
func (w *world) more(number int, began time.Time) bool {
	if w.o.soak > 0 {
		return time.Since(began) < w.o.soak
	}
	return number <= w.o.cycles
}

// cycle is one fault under load, until whom it hit is ready again.
func (w *world) cycle(ctx context.Context, number int, f fault) error {
	began := time.Now()
	err := w.Ended() // since the last cycle: the fault below may hit whom that concerns
	var said string
	if f.victim = w.awake(f.victim); err == nil {
		said, err = f.kind.play(ctx, w, f)
	}
	if err == nil {
		err = w.awaitReady(ctx)
	}
	took := time.Since(began)
	if err = errors.Join(err, w.load.failure()); err != nil {
		return fmt.Errorf("%s %s: %w", f.kind.name, f.victim, err)
	}
	w.tally[f.kind.name]++
	w.ready = append(w.ready, took)
	w.log.say("%5d  %-10s %-10s %5.1f s  %s", number, f.kind.name, f.victim, took.Seconds(), said)
	if w.o.soak > 0 {
		testbed.Pause(ctx, soakEach-took)
	}
	testbed.Pause(ctx, f.rest)
	return ctx.Err()
}

// awaitReady waits until every process that does not stand still is ready.
func (w *world) awaitReady(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var missing []string
	err := testbed.Poll(limited, testbed.Interval, func() (bool, error) {
		missing = missing[:0]
		for _, p := range w.Processes {
			if !w.isAsleep(p.Name) && !w.IsReady(limited, p) {
				missing = append(missing, p.Name)
			}
		}
		return len(missing) == 0, w.Ended()
	})
	if err == nil && w.Cluster != nil {
		err = w.Cluster.InSync(limited)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("%s not ready after %s", strings.Join(missing, ", "), readyWithin)
	}
	return err
}

// awake is the process, or its twin while it sleeps: who is woken by the next fault has not slept past anything. In a
// soak the twin is spared, and the ledger has none.
func (w *world) awake(name string) string {
	role, number, _ := strings.Cut(name, "-")
	switch {
	case w.o.soak > 0 || name == ledger || !w.isAsleep(name):
		return name
	case number == "1":
		return role + "-2"
	}
	return role + "-1"
}

func (w *world) isAsleep(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, asleep := w.asleep[name]
	return asleep
}

// look lets the operators finish, ends what still lasts of the faults, and compares what they have finished since the
// last look; at the end of the run all that they ever did, since messages of long ago came again.
func (w *world) look(ctx context.Context, end bool) error {
	if err := w.calm(ctx); err != nil {
		return err
	}
	began := time.Now()
	done, err := w.load.finish()
	if err != nil {
		return err
	}
	finished := time.Since(began)
	w.done = append(w.done, done...)
	compared := done
	if end {
		compared = w.done
	}
	if err := errors.Join(w.compareAll(ctx, compared), w.Ended()); err != nil {
		return err
	}
	w.log.say("----   all is complete and exact: %d events, %d targets; the operators took %.1f s to finish, "+
		"the comparison %.1f s",
		len(done), targetsOf(done), finished.Seconds(), (time.Since(began) - finished).Seconds())
	return nil
}

// targetsOf returns how many members the events have.
func targetsOf(list []*campaign) (n int) {
	for _, c := range list {
		n += c.members
	}
	return n
}

// calm wakes who sleeps and starts anew who has a ledger that misbehaves: from here on nothing is broken.
func (w *world) calm(ctx context.Context) error {
	w.mu.Lock()
	var wake []chan struct{}
	for _, awake := range w.asleep {
		wake = append(wake, awake)
	}
	w.mu.Unlock()
	for _, awake := range wake {
		select {
		case <-awake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.ruled)) {
		if _, err := w.endOrderly(name); err != nil {
			return err
		}
		if err := w.startAgain(ctx, name); err != nil {
			return err
		}
	}
	return w.awaitReady(ctx)
}

// startAgain starts a process as it is meant to be.
func (w *world) startAgain(ctx context.Context, names ...string) error {
	for _, name := range names {
		delete(w.ruled, name)
		w.forget(name)
		if err := w.Start(ctx, w.Service(name)); err != nil {
			return err
		}
	}
	return nil
}

// forget lets a process that is dead sleep no more.
func (w *world) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asleep[name] != nil {
		delete(w.asleep, name)
		w.log.say("       %s died in its sleep", name)
	}
}

// startWith starts a process with rules for its failpoints.
func (w *world) startWith(ctx context.Context, name, rules string) error {
	p := *w.Service(name)
	p.Env = append(p.Env[:len(p.Env):len(p.Env)], "BESTOW_TEST_FAILPOINTS="+rules)
	if err := w.Start(ctx, &p); err != nil {
		return err
	}
	w.Service(name).Now = p.Now
	return nil
}

// conclude says what came of it all.
func (w *world) conclude(gauges []gauge) error {
	names := make([]string, 0, len(w.tally))
	cycles := 0
	for name, n := range w.tally {
		names = append(names, fmt.Sprintf("%s %d", name, n))
		cycles += n
	}
	slices.Sort(names)
	healed, err := w.recoveries.times()
	if err != nil {
		return err
	}
	w.log.say("faults: %s", strings.Join(names, ", "))
	w.mu.Lock()
	w.log.say("of those who were put to sleep %d slept to the end", w.slept)
	w.mu.Unlock()
	w.log.say("a process killed itself at %d of the %d places of the code that this load may come to", len(w.places),
		countPoints())
	w.log.say("from the beginning of a fault until all were ready again: %s", spread(w.ready))
	w.log.say("from a kill until all that was in hand is through, the faults that came meanwhile included: "+
		"%d kills, %s",
		len(healed), spread(healed))
	w.log.say("%d cycles, %d events, %d targets: 0 lost, 0 double, 0 drift, 0 deadlocks, 0 discarded jobs, "+
		"0 healthy messages parked; seed %d",
		cycles, len(w.done), targetsOf(w.done), w.o.seed)
	return steady(w.log, gauges)
}

// spread tells how durations lie.
func spread(list []time.Duration) string {
	return fmt.Sprintf("median %.1f s, p99 %.1f s, max %.1f s", testbed.Percentile(list, 50).Seconds(),
		testbed.Percentile(list, 99).Seconds(), testbed.Percentile(list, 100).Seconds())
}
