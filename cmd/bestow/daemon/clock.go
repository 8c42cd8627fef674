package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/obs"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// ClockTolerance says how far a process's clock may be from the database's.
	ClockTolerance = 5 * time.Second
	// clockLook is the time between two looks at it.
	clockLook = time.Second
)

// errClockOff is the error of a process whose clock is too far from the database's.
var errClockOff = errors.New("this machine's clock is wrong")

// Clock compares the process's clock with the database's, which decides what is due.
type Clock struct {
	Pool *pgxpool.Pool
	Now  func() time.Time
}

// Offset returns by how much the process's clock is ahead of the database's, negative for behind. What the question
// itself took is no difference.
func (c Clock) Offset(ctx context.Context) (time.Duration, error) {
	var theirs time.Time
	before := c.Now()
	if err := c.Pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	after := c.Now()
	return max(before.Sub(theirs), 0) + min(after.Sub(theirs), 0), nil
}

// Check returns errClockOff, with how far and where to, if the clocks differ by more than the tolerance.
func (c Clock) Check(ctx context.Context) error {
	offset, err := c.Offset(ctx)
	switch {
	case err != nil:
		return err
	case offset > ClockTolerance:
		return fmt.Errorf("%w: %s ahead of the database's", errClockOff, offset.Round(time.Second))
	case offset < -ClockTolerance:
		return fmt.Errorf("%w: %s behind the database's", errClockOff, -offset.Round(time.Second))
	}
	return nil
}

// workJobs works the queues of the process's roles while its clock is right. River's leader tells by its own clock
// which jobs are due and which are stuck, and any client at work may become leader: so with a wrong clock there is
// none. It ends when ctx does, and River with it: no job may be at work when the process's connections are closed.
func (p *Process) workJobs(ctx context.Context) (err error) {
	tick := time.NewTicker(clockLook)
	defer tick.Stop()
	working := false
	defer func() {
		if working {
			err = errors.Join(err, p.stopRiver(ctx))
		}
	}()
	for told := false; ctx.Err() == nil; {
		should, why := p.mayWork(ctx, working)
		if why != nil && !told {
			p.log.ErrorContext(ctx, "no jobs are worked until the clock is right", obs.Err, why)
		}
		told = why != nil
		p.heart.vitals.clockIs(why)
		switch err := p.turn(ctx, working, should); {
		case err == nil:
			working = should
		case working:
			return err
		default: // PostgreSQL went away in this moment: the next look tries again
			p.log.WarnContext(ctx, "no jobs are worked yet", obs.Err, err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// mayWork reports whether jobs may be worked, and why not if it is the clock. A database that is away says nothing of
// the clock: what is at work stays so.
func (p *Process) mayWork(ctx context.Context, working bool) (bool, error) {
	switch err := p.clock.Check(ctx); {
	case err == nil:
		return true, nil
	case errors.Is(err, errClockOff):
		return false, err
	default:
		return working, nil
	}
}

// clockIsOff returns why the clock is not right; nil where a database that is away says nothing of it.
func (p *Process) clockIsOff(ctx context.Context) error {
	if err := p.clock.Check(ctx); errors.Is(err, errClockOff) {
		return err
	}
	return nil
}

// turn starts or stops River, if it is not as it should be.
func (p *Process) turn(ctx context.Context, working, should bool) error {
	switch {
	case should && !working:
		return p.startRiver(ctx)
	case working && !should:
		return p.stopRiver(ctx)
	}
	return nil
}

func (p *Process) startRiver(ctx context.Context) error {
	// Not ctx itself: its end would cancel the jobs at work, where a stop lets them finish.
	if err := p.River.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start river: %w", err)
	}
	return nil
}

// stopRiver lets the jobs at work finish. Those that take longer, such as a report on a large event, are cancelled and
// run again.
func (p *Process) stopRiver(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	patient, cancel := context.WithTimeout(ctx, p.cfg.ShutdownTimeout)
	defer cancel()
	err := p.River.Stop(patient)
	if errors.Is(err, context.DeadlineExceeded) {
		ctx, cancel := context.WithTimeout(ctx, leaveBudget)
		defer cancel()
		err = p.River.StopAndCancel(ctx)
	}
	if err != nil {
		return fmt.Errorf("stop river: %w", err)
	}
	return nil
}
