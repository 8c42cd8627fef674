package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5"
)

const (
	// maxRun is the time that an event runs, at most, between its start or resume and the stop.
	maxRun = 400 * time.Millisecond
	// quiet is the time that the ledger is watched after a stop was answered with 200.
	quiet = 250 * time.Millisecond
	// killEach is after how many stops one has a kill in it.
	killEach = 25
	// lookTimeout is the time that one count of the ledger may take.
	lookTimeout = 10 * time.Second
	// stopLimit is the time that a stop may drain: a claim of a killed handler holds it until the lease ends.
	stopLimit = time.Minute
)

// stopper stops running events at random moments, kills among them, and resumes them.
type stopper struct {
	*player
	random *rand.Rand
	kills  []round // who is killed, in their order
	enough int     // how many stops are asked for
	verb   string  // what a stop is here: "stop" or "brake"
	stops  int
	killed int
	took   []time.Duration // from the stop to its 200
	conn   *pgx.Conn       // of granted, from one count to the next; nil: not connected
}

// stopMany makes as many stops as are asked for, over as many events as that takes. After each 200 the event's rows in
// the ledger must not grow until it is resumed; and each event must complete exactly.
func stopMany(ctx context.Context, in *installation, o options, out io.Writer) error {
	s := newStopper(in, o, o.stops, "stop")
	testbed.Say(out, "event            stops  kills   ledger\n")
	return s.many(ctx, out, s.event)
}

// many calls play with numbers from 1 on until it has made all stops, and prints how they went.
func (s *stopper) many(ctx context.Context, out io.Writer, play func(context.Context, int, io.Writer) error) error {
	defer s.hangUp(ctx)
	for number := 1; s.stops < s.enough; number++ {
		if err := play(ctx, number, out); err != nil {
			return fmt.Errorf("after %d %ss: %w; seed %d", s.stops, s.verb, err, s.seed)
		}
	}
	testbed.Say(out, "\n%d %ss, %d of them with a kill: no grant after a 200, every event complete and exact; seed %d\n",
		s.stops, s.verb, s.killed, s.seed)
	testbed.Say(out, "seconds from the %s to its 200: median %.2f, p99 %.2f, max %.2f\n", s.verb,
		testbed.Percentile(s.took, 50).Seconds(), testbed.Percentile(s.took, 99).Seconds(),
		testbed.Percentile(s.took, 100).Seconds())
	return nil
}

// newStopper makes what stops, with as many kills as so many stops may have.
func newStopper(in *installation, o options, stops int, verb string) *stopper {
	return &stopper{
		enough: stops, verb: verb,
		player: &player{in, o.seed, o.members}, random: rand.New(rand.NewPCG(o.seed, 1)),
		kills: makePlan(o.seed, stops/killEach+1, o.kafka),
	}
}

// event runs one event to its end, with a stop after each start and resume.
func (s *stopper) event(ctx context.Context, number int, out io.Writer) error {
	r := round{number: number, voucher: number%3 == 0}
	event, err := s.begin(ctx, r, 1)
	if err != nil {
		return err
	}
	before, beforeKilled := s.stops, s.killed
	for done := false; !done && s.stops < s.enough; {
		if done, err = s.cycle(ctx, event, r.voucher); err != nil {
			return fmt.Errorf("event %d: %w", event, err)
		}
	}
	if err := s.completed(ctx, event, patience); err != nil {
		return fmt.Errorf("event %d: %w: %s", event, err, s.stuck(ctx, event))
	}
	res := result{round: r, event: event}
	if err := s.judge(ctx, &res); err != nil {
		return fmt.Errorf("event %d: %w", event, err)
	}
	testbed.Say(out, "%5d  %-8s %6d %6d   ok, %d of %d\n", event, r.eventType(), s.stops-before, s.killed-beforeKilled,
		s.members, s.members)
	return s.Ready(ctx)
}

// cycle lets the event run for a moment, stops it, watches the ledger, and resumes it. done: it was complete before.
func (s *stopper) cycle(ctx context.Context, event int64, voucher bool) (done bool, err error) {
	count := func(ctx context.Context) (int, error) { return s.granted(ctx, event, voucher) }
	// connected and prepared, so that the count after the 200 is one round trip
	if _, err := count(ctx); err != nil {
		return false, err
	}
	testbed.Pause(ctx, time.Duration(s.random.Int64N(int64(maxRun))))
	killing := s.maybeKill(ctx)
	done, err = s.stop(ctx, event)
	if err == nil && !done {
		s.stops++
		err = s.watch(ctx, quiet, killing, count)
	}
	if err := errors.Join(err, <-killing); err != nil || done {
		return done, err
	}
	return false, s.API.Resume(ctx, event)
}

// maybeKill kills a process about now if it is this stop's turn, and starts it again. The answer comes when the process
// is ready.
func (s *stopper) maybeKill(ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	if (s.stops+1)%killEach != 0 {
		close(ended)
		return ended
	}
	r := s.kills[s.killed%len(s.kills)]
	s.killed++
	delay := time.Duration(s.random.Int64N(int64(maxRun / 4)))
	go func() {
		defer close(ended)
		testbed.Pause(ctx, delay)
		ended <- func() error {
			if err := s.strike(ctx, r); err != nil {
				return err
			}
			if err := s.restart(ctx, r); err != nil {
				return err
			}
			return s.Ready(ctx)
		}()
	}()
	return ended
}

// stop asks for the stop until it is answered with 200. done: the event was complete.
func (s *stopper) stop(ctx context.Context, event int64) (done bool, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err = testbed.Poll(ctx, testbed.Interval, func() (bool, error) {
		draining, err := s.API.Stop(ctx, event)
		var refused *testbed.RefusedError
		if errors.As(err, &refused) && refused.Status == http.StatusConflict {
			done = true
			return true, nil
		}
		return draining == 0, err
	})
	if err == nil && !done {
		s.took = append(s.took, time.Since(began))
	}
	return done, err
}

// watch returns an error if count, of rows in the ledger, grows within so long, though a stop was answered with 200.
func (s *stopper) watch(ctx context.Context, long time.Duration, killing <-chan error,
	count func(context.Context) (int, error),
) error {
	before, err := count(ctx)
	if err != nil {
		return err
	}
	testbed.Pause(ctx, long)
	if err := <-killing; err != nil {
		return err
	}
	after, err := count(ctx)
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("the ledger went from %d to %d grants after the %s was answered with 200", before, after, s.verb)
	}
	return nil
}

// granted counts the event's rows in the ledger; while PostgreSQL is away it asks on. The connection stays open:
// whatever comes between a 200 and its count goes unseen, so no time is lost on a new one.
func (s *stopper) granted(ctx context.Context, event int64, voucher bool) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	query, ref := testbed.LedgerQuery("count(*)", "count(*)", event, voucher)
	var last error
	err = testbed.Poll(ctx, testbed.Interval, func() (bool, error) {
		last = s.look(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, query, ref).Scan(&n)
		})
		return last == nil, nil
	})
	if err != nil {
		return n, fmt.Errorf("count the ledger: %w", errors.Join(err, last))
	}
	return n, nil
}

// look lets read use the connection, and leaves one that failed, or whose other end was killed and says nothing.
func (s *stopper) look(ctx context.Context, read func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if s.conn == nil {
		if s.conn, err = pgx.Connect(ctx, s.URL); err != nil {
			return err
		}
	}
	if err = read(ctx, s.conn); err != nil {
		s.hangUp(ctx)
	}
	return err
}

func (s *stopper) hangUp(ctx context.Context) {
	if s.conn != nil {
		_ = s.conn.Close(context.WithoutCancel(ctx)) // we only looked
	}
	s.conn = nil
}
