package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"bestow/internal/testbed"
)

const (
	// operators is how many people work at once.
	operators = 10
	// patience is how long one of them waits for anything before it counts as never.
	patience = 4 * time.Minute
	// leadTime is how far ahead the start of a lane is reserved.
	leadTime = 3 * time.Second
	// quiet is how long the ledger is watched after a stop was answered with 200.
	quiet = 200 * time.Millisecond
)

// office is where the operators work. They can be asked to finish what they have begun, and to go on.
type office struct {
	w     *world
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	closed  bool // nothing new is begun
	busy    int
	done    []*campaign // since the last look
	made    int
	err     error
}

func openOffice(ctx context.Context, w *world) *office {
	o := &office{w: w}
	o.changed = sync.NewCond(&o.mu)
	ctx, o.stop = context.WithCancel(ctx)
	for n := range operators {
		random := rand.New(rand.NewPCG(w.o.seed, uint64(100+n)))
		o.ended.Add(1)
		go func() {
			defer o.ended.Done()
			for i := 1; o.begin(); i++ {
				err := o.work(ctx, random, fmt.Sprintf("chaos-%d-%d", n+1, i))
				o.end(err)
			}
		}()
	}
	return o
}

// begin waits until an operator may begin something; false: never again.
func (o *office) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.closed && o.err == nil {
		o.changed.Wait()
	}
	if o.err != nil {
		return false
	}
	o.busy++
	return true
}

func (o *office) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy--; o.err == nil {
		o.err = err
	}
	o.changed.Broadcast()
}

// finish lets the operators finish what they have begun, and returns it.
func (o *office) finish() ([]*campaign, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for o.busy > 0 {
		o.changed.Wait()
	}
	done := o.done
	o.done = nil
	return done, o.err
}

// goOn lets them begin anew.
func (o *office) goOn() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = false
	o.changed.Broadcast()
}

// failure is what an operator could not do, nil as long as all can.
func (o *office) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *office) close() {
	o.stop()
	o.mu.Lock()
	o.err = errors.Join(o.err, context.Canceled)
	o.changed.Broadcast()
	o.mu.Unlock()
	o.ended.Wait()
}

func (o *office) note(list ...*campaign) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made += len(list)
	o.done = append(o.done, list...)
}

// work is one event, or a lane of three, from its making to its end.
func (o *office) work(ctx context.Context, random *rand.Rand, name string) error {
	if random.IntN(6) == 0 {
		return o.lane(ctx, random, name)
	}
	c := planCampaign(random, name)
	if len(o.w.o.only) > 0 {
		c.members = min(c.members, population) // one fault may come so often that a large import would never end
	}
	if err := o.make(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := o.w.API.Start(ctx, c.id); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return o.see(ctx, random, c)
}

func (o *office) make(ctx context.Context, c *campaign) (err error) {
	c.id, err = o.w.API.Create(ctx, testbed.NewEvent{
		CampaignID: c.name, EventType: c.eventType(), DefaultAmount: 1, DefaultReason: "chaos",
	})
	if err != nil {
		return err
	}
	return o.w.API.Load(ctx, c.id, c.members, c.list)
}

// lane is three events that are reserved for the same second and run one after another.
func (o *office) lane(ctx context.Context, random *rand.Rand, name string) error {
	var list []*campaign
	for i := range 3 {
		c := planCampaign(random, fmt.Sprintf("%s-%d", name, i+1))
		c.members, c.stops = min(c.members, 2_000), 0
		if err := o.make(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		list = append(list, c)
	}
	at := time.Now().Add(leadTime + time.Duration(random.IntN(4))*time.Second).Truncate(time.Second)
	for i, c := range list {
		if err := o.w.API.Reserve(ctx, c.id, at, i+1); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for _, c := range list {
		if err := o.see(ctx, random, c); err != nil {
			return err
		}
	}
	return nil
}

// see sees an event through: its stops, its end, and whom the ledger gave up.
func (o *office) see(ctx context.Context, random *rand.Rand, c *campaign) error {
	err := func() error {
		for range c.stops {
			pause(ctx, time.Duration(random.Int64N(int64(1500*time.Millisecond))))
			if over, err := o.interrupt(ctx, c); over || err != nil {
				return err
			}
		}
		return nil
	}()
	if err == nil {
		err = o.until(ctx, c, "complete", func(p testbed.Progress) bool { return p.Status == "COMPLETED" })
	}
	if err == nil && c.redrive {
		err = o.redrive(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("event %d (%s): %w", c.id, c.name, err)
	}
	o.note(c)
	return nil
}

// interrupt stops a running event, looks whether the ledger stands still, and resumes it. over: it was complete before.
func (o *office) interrupt(ctx context.Context, c *campaign) (over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = testbed.Poll(ctx, 5*testbed.Interval, func() (bool, error) {
		draining, err := o.w.API.Stop(ctx, c.id)
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
	before, err := o.w.saved(ctx, c)
	if err != nil {
		return false, err
	}
	pause(ctx, quiet)
	after, err := o.w.saved(ctx, c)
	if err == nil && after != before {
		err = fmt.Errorf("the ledger went from %d to %d grants after the stop was answered with 200", before, after)
	}
	if err != nil {
		return false, err
	}
	return false, o.w.API.Resume(ctx, c.id)
}

// redrive asks once more for whom the ledger gave up.
func (o *office) redrive(ctx context.Context, c *campaign) error {
	asked, err := o.w.API.Retry(ctx, c.id)
	if err != nil {
		return err
	}
	if most := c.givenUpNow(); asked > most { // fewer, if a process died that had asked for some
		return fmt.Errorf("a retry asked for %d members who were given up, but only %d were", asked, most)
	}
	want := c.granted()
	return o.until(ctx, c, "redriven", func(p testbed.Progress) bool { return p.Success == want })
}

// until looks at an event until it is as wanted.
func (o *office) until(ctx context.Context, c *campaign, what string, enough func(testbed.Progress) bool) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last testbed.Progress
	err := testbed.Poll(limited, 10*testbed.Interval, func() (bool, error) {
		p, err := o.w.API.Progress(limited, c.id)
		if testbed.Passing(err) {
			return false, nil
		}
		last = p
		if err == nil && p.Status == "FAILED" {
			err = errors.New("it is FAILED")
		}
		return err == nil && enough(p), err
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("not %s after %s, but %+v: %s", what, patience, last, o.w.open(ctx, c))
	}
	return err
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
