package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"bestow/internal/obs"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/moneyclient"

	"github.com/sony/gobreaker/v2"
)

// Ledger is a ledger that grants: ours, in process or over HTTP, or another one over HTTP.
type Ledger interface {
	GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error)
	GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error)
	LookupPoints(ctx context.Context, keys []string) ([]money.Found, error)
	LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error)
}

var _ Ledger = (*Breaker)(nil)

const (
	// AwayAfter says how many calls in a row must fail before the ledger counts as away.
	AwayAfter = 3
	// Probe is the pause between two calls of a ledger that is away: grants go on as soon as one is answered.
	Probe = time.Second
)

// ErrAway is the error of a call that was not made, because the calls before it failed.
var ErrAway = errors.New("the ledger is away")

// errNoAnswer holds what the breaker is told of a call that ended in a panic.
var errNoAnswer = errors.New("the call did not return")

// Breaker is a ledger that is left alone while it is away: one call at a time finds out whether it is back. It looks
// only at calls that failed as a whole: a refusal is an answer. A ledger that refuses every call, as one that does not
// know our token, counts as away at the first; one that says when it can be asked again is left alone until then.
type Breaker struct {
	name   string
	ledger Ledger
	gate   *gobreaker.TwoStepCircuitBreaker[any]
	log    *slog.Logger
	last   atomic.Pointer[error] // why the last call failed
	closed atomic.Bool           // the last call that failed was refused as every call will be
	until  atomic.Int64          // when the ledger wants to be asked again, in ns since start
	start  time.Time
	since  time.Time // when it went away; only the gate's callback touches it, under the gate's lock
}

// Config holds what a breaker stands before.
type Config struct {
	Name   string // of the ledger, for the log
	Ledger Ledger
	Probe  time.Duration // the pause between two calls of a ledger that is away; 0: [Probe]
	Log    *slog.Logger  // nil: nothing is logged
}

// New returns the breaker of c, or an error that says what c lacks.
func New(c Config) (*Breaker, error) {
	if c.Name == "" || c.Ledger == nil {
		return nil, errors.New("a breaker needs a ledger and its name")
	}
	b := &Breaker{
		name: c.Name, ledger: c.Ledger, log: cmp.Or(c.Log, slog.New(slog.DiscardHandler)), start: time.Now(),
	}
	b.gate = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Timeout:       cmp.Or(c.Probe, Probe),
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= AwayAfter || b.closed.Load() },
		IsSuccessful:  answered,
		OnStateChange: b.changed,
	})
	return b, nil
}

// answered reports whether a call that ended with err was answered by a ledger that is there.
func answered(err error) bool {
	said := []error{money.ErrDeadline, money.ErrTooMany, money.ErrNoMaster, seal.ErrOpen}
	return err == nil || slices.ContainsFunc(said, func(answer error) bool { return errors.Is(err, answer) })
}

// changed logs once that the ledger went away and once that it is back, not each call that looks for it.
func (b *Breaker) changed(_ string, from, to gobreaker.State) {
	switch {
	case from == gobreaker.StateClosed:
		b.since = time.Now()
		b.log.Error("the ledger is away: grants wait for it, and nothing is counted", obs.Ledger, b.name, obs.Err,
			b.Cause())
	case to == gobreaker.StateClosed:
		b.log.Info("the ledger is back: grants go on", obs.Ledger, b.name, "away", time.Since(b.since))
	}
}

// Cause returns why the last call that failed did so.
func (b *Breaker) Cause() error {
	if err := b.last.Load(); err != nil {
		return *err
	}
	return errNoAnswer
}

// Away says why the ledger should not be asked now, nil if it may be. While one call finds out whether the ledger is
// back, the others wait.
func (b *Breaker) Away() error {
	state := b.gate.State()
	if b.waits() || state == gobreaker.StateOpen || state == gobreaker.StateHalfOpen && b.gate.Counts().Requests > 0 {
		return fmt.Errorf("%w: %w", ErrAway, b.Cause())
	}
	return nil
}

// waits reports whether the ledger has said that it cannot be asked yet.
func (b *Breaker) waits() bool { return time.Since(b.start) < time.Duration(b.until.Load()) }

// Unavailable returns why the ledger is away, nil if the breaker is closed. It does not matter whether a call may look
// for it just now.
func (b *Breaker) Unavailable() error {
	if b.gate.State() == gobreaker.StateClosed {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrAway, b.Cause())
}

// guarded makes the call unless the ledger is away, and notes how it went.
func guarded[T any](b *Breaker, call func() (T, error)) (answer T, err error) {
	if b.waits() {
		return answer, fmt.Errorf("%w: %w", ErrAway, b.Cause())
	}
	done, err := b.gate.Allow()
	if err != nil {
		return answer, fmt.Errorf("%w: %w", ErrAway, b.Cause())
	}
	outcome := errNoAnswer // a panic's: without a word the gate would wait for this call for ever
	defer func() {
		if !answered(outcome) {
			b.note(outcome)
		}
		done(outcome)
	}()
	answer, outcome = call()
	return answer, outcome
}

// note remembers why a call failed, and for how long the ledger wants to be left alone.
func (b *Breaker) note(failed error) {
	b.last.Store(&failed)
	wait, leave := moneyclient.LeaveAlone(failed)
	b.closed.Store(leave)
	if wait > 0 {
		b.until.Store(int64(time.Since(b.start) + wait))
	}
}

// GrantPoints implements Ledger.
func (b *Breaker) GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	return guarded(b, func() ([]money.Answer, error) { return b.ledger.GrantPoints(ctx, deadline, items) })
}

// GrantVouchers implements Ledger.
func (b *Breaker) GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	return guarded(b, func() ([]money.Answer, error) { return b.ledger.GrantVouchers(ctx, deadline, items) })
}

// LookupPoints implements Ledger.
func (b *Breaker) LookupPoints(ctx context.Context, keys []string) ([]money.Found, error) {
	return guarded(b, func() ([]money.Found, error) { return b.ledger.LookupPoints(ctx, keys) })
}

// LookupVouchers implements Ledger.
func (b *Breaker) LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error) {
	return guarded(b, func() ([]money.Found, error) { return b.ledger.LookupVouchers(ctx, keys) })
}
