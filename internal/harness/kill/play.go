package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"bestow/internal/harness/testbed"
)

const (
	// limit is the time that an event may take from the restart on.
	limit = 90 * time.Second
	// patience is the time that we wait all the same, to tell what is late from what never ends.
	patience = 2 * limit
	// maxTries is the number of times that a round that hit nothing is played anew.
	maxTries = 10
)

// result holds what came of a round.
type result struct {
	round
	evidence

	event  int64
	name   string  // of who was killed
	done   float64 // at the kill
	took   time.Duration
	missed string // why the round does not count
	err    error
}

// player plays rounds on an installation.
type player struct {
	*installation
	seed    uint64
	members int
}

// play plays a round until it hits, and tells each try.
func (p *player) play(ctx context.Context, r round, tell func(result)) result {
	for try := 1; ; try++ {
		res := p.try(ctx, r, try)
		if res.missed != "" && res.err == nil && try == maxTries {
			res.err = fmt.Errorf("play round: it hit nothing in %d tries: give more -members", maxTries)
		}
		tell(res)
		if res.err != nil || res.missed == "" {
			return res
		}
	}
}

// try runs one event, kills the victim in the middle of it, and judges what comes of it.
func (p *player) try(ctx context.Context, r round, try int) result {
	res := result{round: r, name: p.name(r)}
	res.err = func() (err error) {
		if res.event, err = p.begin(ctx, r, try); err != nil {
			return err
		}
		if err := p.reach(ctx, &res); err != nil {
			return err
		}
		killed := time.Now()
		if res.missed == "" {
			if err := p.strike(ctx, r); err != nil {
				return err
			}
		}
		if err := p.await(ctx, &res); err != nil {
			return err
		}
		if err := p.judge(ctx, &res); err != nil {
			return err
		}
		if res.missed == "" {
			res.missed = res.idle(killed)
		}
		return p.Ready(ctx)
	}()
	return res
}

// name returns who is killed.
func (p *player) name(r round) string {
	if list := p.victims(r); len(list) == 1 {
		return list[0].Name
	}
	return r.victim.String()
}

// begin makes the round's event and starts it.
func (p *player) begin(ctx context.Context, r round, try int) (int64, error) {
	event, err := p.create(ctx, r, try)
	if err != nil {
		return event, err
	}
	return event, p.API.Start(ctx, event)
}

// create makes the round's event with its members.
func (p *player) create(ctx context.Context, r round, try int) (int64, error) {
	campaign := fmt.Sprintf("kill-%d-%d-%d", p.seed, r.number, try)
	event, err := p.API.Create(ctx, testbed.NewEvent{
		CampaignID: campaign, EventType: r.eventType(), DefaultAmount: defaultAmount, DefaultReason: "kill",
	})
	if err != nil {
		return 0, err
	}
	return event, p.API.Load(ctx, event, p.members, func() io.Reader { return memberList(p.members) })
}

// reach waits until as much of the event is done as the round asks for.
func (p *player) reach(ctx context.Context, res *result) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := testbed.Poll(ctx, testbed.Interval, func() (bool, error) {
		now, err := p.API.Progress(ctx, res.event)
		if testbed.Passing(err) {
			return false, p.Ended()
		}
		if err != nil {
			return false, err
		}
		if res.done = now.SettledPart(); res.publish {
			res.done = now.PublishedPart()
		}
		if now.Status != "RUNNING" || res.done > latest {
			res.missed = fmt.Sprintf("it was %s, %.0f %% done, at the first look past %.0f %%", now.Status,
				100*res.done, 100*res.at)
		}
		return res.done >= res.at || res.missed != "", p.Ended()
	})
	if err != nil {
		return fmt.Errorf("wait for the moment: %w", err)
	}
	return nil
}

// strike kills the victim, leaves it dead for a moment, and starts it again.
func (p *player) strike(ctx context.Context, r round) error {
	if err := p.kill(ctx, r); err != nil {
		return err
	}
	testbed.Pause(ctx, r.pause)
	return ctx.Err()
}

// await starts the victim again and takes the time until the event is COMPLETED.
func (p *player) await(ctx context.Context, res *result) error {
	began := time.Now()
	if res.missed == "" {
		if err := p.restart(ctx, res.round); err != nil {
			return err
		}
	}
	err := p.completed(ctx, res.event, patience)
	res.took = time.Since(began)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("event %d is not complete after %s: %s", res.event, patience, p.stuck(ctx, res.event))
	case err != nil:
		return fmt.Errorf("wait for event %d: %w: %s", res.event, err, p.stuck(ctx, res.event))
	case res.took > limit:
		return fmt.Errorf("event %d took %.1f s, more than %s", res.event, res.took.Seconds(), limit)
	}
	return nil
}

// completed looks at an event until it is COMPLETED. While the API does not answer, it asks on.
func (p *player) completed(ctx context.Context, event int64, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return testbed.Poll(ctx, testbed.Interval, func() (bool, error) {
		now, err := p.API.Progress(ctx, event)
		switch {
		case testbed.Passing(err):
			return false, p.Ended()
		case err != nil:
			return false, err
		case now.Status == "FAILED", now.Status == "STOPPED":
			return false, fmt.Errorf("it is %s", now.Status)
		}
		return now.Status == "COMPLETED", p.Ended()
	})
}

// judge runs `bestow verify`, and compares the ledger with the list.
func (p *player) judge(ctx context.Context, res *result) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	log := fmt.Sprintf("verify-%d", res.event)
	if err := p.Bestow(ctx, log, "verify", strconv.FormatInt(res.event, 10)); err != nil {
		return err
	}
	res.evidence, err = p.prove(ctx, res.event, res.voucher, p.members)
	return err
}

// idle says why the kill hit nothing, "" if it did.
func (res *result) idle(killed time.Time) string {
	switch {
	case res.completedAt.Before(killed):
		return "it was complete before the kill"
	case res.jobs+res.chunks == 0 && (res.victim == relay || res.victim == handler):
		return "the victim had nothing in hand"
	}
	return ""
}
