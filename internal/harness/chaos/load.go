package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"bestow/internal/harness/testbed"
)

const (
	// operators is the number of people that work at once.
	operators = 10
	// patience is the time that one of them waits for anything before it counts as never.
	patience = 4 * time.Minute
	// leadTime says how far ahead the start of a lane is reserved.
	leadTime = 3 * time.Second
	// quiet is the time that the ledger is watched after a stop was answered with 200.
	quiet = 200 * time.Millisecond
)

// load is the operators at work. They can be asked to finish what they have begun, and to go on.
type load struct {
	w     *world
	ctx   context.Context //nolint:containedctx // that of the operators: what they do outlasts who asked for it
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	closed  bool // nothing new is begun
	busy    int
	done    []*campaign // since the last look
	err     error
}

func startLoad(ctx context.Context, w *world) *load {
	l := &load{w: w}
	l.changed = sync.NewCond(&l.mu)
	l.ctx, l.stop = context.WithCancel(ctx)
	for n := range operators {
		random := rand.New(rand.NewPCG(w.o.seed, uint64(100+n)))
		l.ended.Add(1)
		go func() {
			defer l.ended.Done()
			for i := 1; l.begin(); i++ {
				err := l.work(l.ctx, random, fmt.Sprintf("chaos-%d-%d", n+1, i))
				l.end(err)
			}
		}()
	}
	return l
}

// begin waits until an operator may begin something; false: never again.
func (l *load) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.closed && l.err == nil {
		l.changed.Wait()
	}
	if l.err != nil {
		return false
	}
	l.busy++
	return true
}

// errand does something at once, beside the operators.
func (l *load) errand(do func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy++
	l.ended.Add(1)
	go func() {
		defer l.ended.Done()
		l.end(do(l.ctx))
	}()
}

func (l *load) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy--; l.err == nil {
		l.err = err
	}
	l.changed.Broadcast()
}

// finish lets the operators finish what they have begun, and returns it.
func (l *load) finish() ([]*campaign, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for l.busy > 0 {
		l.changed.Wait()
	}
	done := l.done
	l.done = nil
	return done, l.err
}

// goOn lets them begin anew.
func (l *load) goOn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = false
	l.changed.Broadcast()
}

// failure returns what an operator could not do, nil as long as all can.
func (l *load) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *load) close() {
	l.stop()
	l.mu.Lock()
	l.err = errors.Join(l.err, context.Canceled)
	l.changed.Broadcast()
	l.mu.Unlock()
	l.ended.Wait()
}

func (l *load) note(list ...*campaign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, list...)
}

// work is one event, or a lane of three, from its making to its end.
func (l *load) work(ctx context.Context, random *rand.Rand, name string) error {
	if random.IntN(6) == 0 {
		return l.lane(ctx, planLane(random, name), time.Duration(random.IntN(4))*time.Second)
	}
	c := planCampaign(random, name)
	if len(l.w.o.only) > 0 {
		c.members = min(c.members, population) // one fault may come so often that a large import would never end
	}
	if err := l.make(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return l.run(ctx, c)
}

// everything is one event with all that an operator can do to it.
func (l *load) everything(ctx context.Context, c *campaign) error {
	err := l.make(ctx, c)
	if err == nil {
		alone := time.Now().AddDate(0, 0, 1).Add(time.Duration(c.id) * time.Second) // a second that no other event has
		err = l.w.API.Reserve(ctx, c.id, alone.Truncate(time.Second), 1)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return l.run(ctx, c) // now, for all that was reserved
}

// run is an event that is filled, from its start to its end.
func (l *load) run(ctx context.Context, c *campaign) error {
	if err := l.w.API.Start(ctx, c.id); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return l.see(ctx, c)
}

func (l *load) make(ctx context.Context, c *campaign) (err error) {
	c.id, err = l.w.API.Create(ctx, testbed.NewEvent{
		CampaignID: c.name, EventType: c.eventType(), DefaultAmount: 1, DefaultReason: "chaos",
	})
	if err != nil {
		return err
	}
	return l.w.API.Load(ctx, c.id, c.members, c.list)
}

// lane is events that are reserved for the same second and run one after another.
func (l *load) lane(ctx context.Context, list []*campaign, later time.Duration) error {
	for _, c := range list {
		if err := l.make(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	inLane, err := l.reserve(ctx, list, time.Now().Add(leadTime+later).Truncate(time.Second))
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := l.see(ctx, c); err != nil {
			return err
		}
	}
	return l.w.inOrder(ctx, inLane)
}

// reserve gives the events of a lane their moment, and returns those that have it. The others are started by hand:
// nothing answered until the moment had passed.
func (l *load) reserve(ctx context.Context, list []*campaign, at time.Time) (inLane []*campaign, err error) {
	for i, c := range list {
		err := l.w.API.Reserve(ctx, c.id, at, i+1)
		var refused *testbed.RefusedError
		switch {
		case err == nil:
			inLane = append(inLane, c)
			continue
		case errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity && time.Now().After(at):
			err = l.w.API.Start(ctx, c.id)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return inLane, nil
}

// see sees an event through: its stops, its end, and whom the ledger gave up.
func (l *load) see(ctx context.Context, c *campaign) error {
	err := func() error {
		for _, after := range c.stops {
			testbed.Pause(ctx, after)
			if over, err := l.interrupt(ctx, c); over || err != nil {
				return err
			}
		}
		return nil
	}()
	if err == nil {
		err = l.until(ctx, c, "complete", func(p testbed.Progress) bool { return p.Status == "COMPLETED" })
	}
	if err == nil && c.redrive {
		err = l.redrive(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("event %d (%s): %w", c.id, c.name, err)
	}
	l.note(c)
	return nil
}

// interrupt stops a running event, looks whether the ledger stands still, and resumes it. over: it was complete before.
func (l *load) interrupt(ctx context.Context, c *campaign) (over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = testbed.Poll(ctx, 5*testbed.Interval, func() (bool, error) {
		draining, err := l.w.API.Stop(ctx, c.id)
		var refused *testbed.RefusedError
		if errors.As(err, &refused) && refused.Status == http.StatusConflict {
			over = true
			return true, nil
		}
		return draining == 0, err
	})
	if err != nil || over {
		return over, err
	}
	before, err := l.w.saved(ctx, c)
	if err != nil {
		return false, err
	}
	testbed.Pause(ctx, quiet)
	after, err := l.w.saved(ctx, c)
	if err == nil && after != before {
		err = fmt.Errorf("the ledger went from %d to %d grants after the stop was answered with 200", before, after)
	}
	if err != nil {
		return false, err
	}
	return false, l.w.API.Resume(ctx, c.id)
}

// redrive asks once more for whom the ledger gave up.
func (l *load) redrive(ctx context.Context, c *campaign) error {
	asked, err := l.w.API.Retry(ctx, c.id)
	if err != nil {
		return err
	}
	if most := c.givenUpNow(); asked > most { // fewer, if a process died that had asked for some
		return fmt.Errorf("a retry asked for %d members who were given up, but only %d were", asked, most)
	}
	want := c.granted()
	return l.until(ctx, c, "redriven", func(p testbed.Progress) bool { return p.Success == want })
}

// until looks at an event until it is as wanted, as long as something moves.
func (l *load) until(ctx context.Context, c *campaign, what string, enough func(testbed.Progress) bool) error {
	var last testbed.Progress
	began, moved := time.Now(), time.Now()
	return testbed.Poll(ctx, 10*testbed.Interval, func() (bool, error) {
		p, err := l.w.API.Progress(ctx, c.id)
		switch {
		case err == nil && p.Status == "FAILED":
			return false, errors.New("it is FAILED")
		case err == nil && enough(p):
			return true, nil
		case err == nil &&
			(p.Status != last.Status || p.Published+p.Success+p.Fail > last.Published+last.Success+last.Fail):
			last, moved = p, time.Now()
		case time.Since(moved) > patience || time.Since(began) > 5*patience:
			return false, fmt.Errorf("not %s after %s, %s after the last step, from %+v: %s", what,
				time.Since(began).Round(time.Second), time.Since(moved).Round(time.Second), last,
				testbed.Open(ctx, l.w.pool, c.id))
		case !testbed.Passing(err):
			return false, err
		}
		return false, nil
	})
}
