package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"bestow/internal/harness/testbed"
)

const (
	// inLane is the number of events that a lane has: one runs, the others wait.
	inLane = 3
	// laneAhead says how long after the last import a lane's time comes.
	laneAhead = 2 * time.Second
	// maxHeld is the time that the ledger is watched, at most, after each tenth brake: longer than the timetable's
	// tick.
	maxHeld = 6 * time.Second
)

// braker engages the brake of all events at random moments, while a lane of events runs one after another; it releases
// the brake and resumes what it had stopped.
type braker struct{ *stopper }

// laned is an event of a lane.
type laned struct {
	round

	event int64
}

// brakeMany engages the brake as often as is asked for. After each 200 the rows in the ledger of none of the events may
// grow until it is released, and each event must complete exactly.
func brakeMany(ctx context.Context, in *installation, o options, out io.Writer) error {
	b := braker{newStopper(in, o, o.brakes, "brake")}
	testbed.Say(out, "lane                brakes  kills   ledger\n")
	return b.many(ctx, out, b.lane)
}

// lane lets the events of one second run to their end, with a brake again and again.
func (b braker) lane(ctx context.Context, number int, out io.Writer) error {
	lane, err := b.makeLane(ctx, number)
	if err != nil {
		return err
	}
	before, beforeKilled := b.stops, b.killed
	for done := false; !done; {
		if b.stops < b.enough {
			err = b.cycle(ctx, lane)
		}
		if err == nil {
			done, err = b.goOn(ctx, lane)
		}
		if err != nil {
			return fmt.Errorf("lane of event %d: %w", lane[0].event, err)
		}
	}
	for _, l := range lane {
		res := result{round: l.round, event: l.event}
		if err := b.judge(ctx, &res); err != nil {
			return fmt.Errorf("event %d: %w", l.event, err)
		}
	}
	testbed.Say(out, "%5d to %5d   %7d %6d   ok, %d of %d\n", lane[0].event, lane[inLane-1].event, b.stops-before,
		b.killed-beforeKilled,
		inLane*b.members, inLane*b.members)
	return b.Ready(ctx)
}

// makeLane makes the events of a lane, whose time comes in a moment.
func (b braker) makeLane(ctx context.Context, number int) (lane []laned, err error) {
	for place := range inLane {
		l := laned{round: round{number: inLane*number + place, voucher: place == 1}}
		if l.event, err = b.create(ctx, l.round, 1); err != nil {
			return nil, err
		}
		lane = append(lane, l)
	}
	at := time.Now().Add(laneAhead).Truncate(time.Second)
	for place, l := range lane {
		if err := b.API.Reserve(ctx, l.event, at, place); err != nil {
			return nil, err
		}
	}
	return lane, nil
}

// cycle lets the lane run for a moment, engages the brake, watches the ledger, and releases the brake.
func (b braker) cycle(ctx context.Context, lane []laned) error {
	count := func(ctx context.Context) (int, error) { return b.grantedOf(ctx, lane) }
	// connected and prepared, so that the count after the 200 is one round trip
	if _, err := count(ctx); err != nil {
		return err
	}
	testbed.Pause(ctx, time.Duration(b.random.Int64N(int64(maxRun))))
	killing := b.maybeKill(ctx)
	err := b.brake(ctx)
	if err == nil {
		b.stops++
		long := quiet
		if b.stops%10 == 0 {
			long = maxHeld
		}
		err = b.watch(ctx, long, killing, count)
	}
	if err := errors.Join(err, <-killing); err != nil {
		return err
	}
	return b.API.ReleaseBrake(ctx)
}

// brake asks for the brake until it is answered with 200.
func (b braker) brake(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err := testbed.Poll(ctx, testbed.Interval, func() (bool, error) {
		draining, err := b.API.Brake(ctx)
		return draining == 0, err
	})
	b.took = append(b.took, time.Since(began))
	return err
}

// grantedOf counts the rows of a lane in the ledger.
func (b braker) grantedOf(ctx context.Context, lane []laned) (all int, err error) {
	for _, l := range lane {
		n, err := b.granted(ctx, l.event, l.voucher)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// goOn resumes those of the lane that are stopped, for as far as the lane is free; done reports whether all are
// complete.
func (b braker) goOn(ctx context.Context, lane []laned) (done bool, err error) {
	done = true
	for _, l := range lane {
		p, err := b.API.Progress(ctx, l.event)
		switch {
		case testbed.Passing(err):
			done = false
			continue
		case err != nil:
			return false, err
		}
		if p.Status == "STOPPED" {
			if err := b.API.Resume(ctx, l.event); err != nil && !isLaneBusy(err) {
				return false, err
			}
		}
		done = done && p.Status == "COMPLETED"
	}
	testbed.Pause(ctx, 2*testbed.Interval)
	return done, errors.Join(ctx.Err(), b.Ended())
}

// isLaneBusy reports whether a resume was refused because another event of the lane runs.
func isLaneBusy(err error) bool {
	var refused *testbed.RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusConflict && refused.Code == "lane_busy"
}
