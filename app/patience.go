package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/pg"
)

const (
	// stopWait is the time that a stop waits for a lock: a person who stops an event wants an answer.
	stopWait = 5 * time.Second
	// closeWait is the same of a handler or relay that completes an event: the timetable does it where they cannot.
	closeWait = 5 * time.Second
	// hurriedWait is the same of each further event, once a sweep has waited for long.
	hurriedWait = 100 * time.Millisecond
)

// patience is the time that a sweep over several events waits for locks that others hold: an event that is locked must
// not hold up the others.
type patience struct {
	each time.Duration // for one event
	all  time.Duration // for all of them; then each further one gets hurriedWait
}

var (
	ofABrake     = patience{each: stopWait, all: 2 * stopWait}
	ofATimetable = patience{each: time.Second, all: 4 * time.Second}
)

// left returns how long to wait for the next event of a sweep that began at a moment.
func (p patience) left(began time.Time) time.Duration {
	if time.Since(began) < p.all {
		return p.each
	}
	return hurriedWait
}

// notStopped turns the error of a stop that a lock has kept from being recorded into one that says so.
func notStopped(err error) error {
	blocked, ok := errors.AsType[*pg.BlockedError](err)
	if !ok {
		return err
	}
	return domain.UnavailableError(
		"the stop is not recorded, and the event goes on: "+blocked.Error(),
		"free the lock and ask again; the brake (`bestow brake on`, "+
			"POST /brake) lets no claim begin meanwhile",
	)
}

// notEngaged is notStopped for a brake whose row is not committed.
func notEngaged(err error) error {
	blocked, ok := errors.AsType[*pg.BlockedError](err)
	if !ok {
		return err
	}
	return domain.UnavailableError("the brake is not engaged: "+blocked.Error(), "free the lock and ask again")
}

// engagedBut turns an error after the commit of a brake's row into one that says what is certain.
func engagedBut(err error) error {
	if _, known := errors.AsType[*domain.Error](err); err == nil || known || !pg.Unavailable(err) {
		return err
	}
	return domain.UnavailableError(
		"the brake is engaged, and no new claim begins in its scope, but not all is done: "+
			strings.ReplaceAll(err.Error(), "\n", "; "),
		"ask again: the answer comes when no claim is open; the timetable stops what still runs",
	)
}

// stoppedBut turns an error after the commit of a stop into one that says what is certain.
func stoppedBut(err error) error {
	if _, known := errors.AsType[*domain.Error](err); err == nil || known || !pg.Unavailable(err) {
		return err
	}
	return domain.UnavailableError(
		"the event is stopped, and none of its grants begins, but how many claims are open is not known: "+
			strings.ReplaceAll(err.Error(), "\n", "; "),
		"ask again: the answer comes when no claim is open",
	)
}

// eventError says of which event an error is.
func eventError(verb string, id int64, err error) error {
	return fmt.Errorf("%s event %d: %w", verb, id, err)
}
