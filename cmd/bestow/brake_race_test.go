//go:build failpoint

package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/failpoint"

	"github.com/stretchr/testify/require"
)

// heldAt stops the first passage of a point until release is called; reached is closed when it has come there.
func heldAt(ctx context.Context, point string) (held context.Context, reached chan struct{}, release func()) {
	reached, free := make(chan struct{}), make(chan struct{})
	var once, open sync.Once
	held = failpoint.With(ctx, func(at string) error {
		if at == point {
			once.Do(func() {
				close(reached)
				<-free
			})
		}
		return nil
	})
	return held, reached, func() { open.Do(func() { close(free) }) }
}

// A start, or a resume, is between its look at the brake and its COMMIT when the brake comes: the brake waits for it
// and stops it, so that it does not go on by itself after the release. One that comes later is refused (F53).
func TestBrakeMeetsAStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point string
		move  func(*app.Events, context.Context, int64) error
	}{
		{failpoint.StartBeforeCommit, func(s *app.Events, ctx context.Context, id int64) error {
			_, _, err := s.Start(ctx, operator, id)
			return err
		}},
		{failpoint.ResumeBeforeCommit, func(s *app.Events, ctx context.Context, id int64) error {
			_, _, err := s.Resume(ctx, operator, id)
			return err
		}},
	} {
		t.Run(c.point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
			e := w.event(p, "POINT", 50)
			if c.point == failpoint.ResumeBeforeCommit {
				w.run(p, e)
				_, err := p.App.Events.Stop(t.Context(), operator, e.ID, "to resume it")
				require.NoError(t, err)
			}
			ctx, reached, release := heldAt(t.Context(), c.point)
			defer release()
			moved := make(chan error, 1)
			go func() { moved <- c.move(p.App.Events, ctx, e.ID) }()
			<-reached
			braked := make(chan app.Braked, 1)
			go func() { braked <- w.brake(p, domain.BrakeAll) }()
			require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM brakes`) == 1 }, time.Minute,
				5*time.Millisecond)
			require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
				"the brake waits for it")
			require.NoError(t, p.App.Events.StartDue(t.Context()), "and nobody waits for the brake")
			release()
			require.NoError(t, <-moved)
			b := <-braked
			require.Len(t, b.Events, 1)
			require.Equal(t, domain.Stopped, w.status(p, e.ID))
			require.ErrorIs(t, c.move(p.App.Events, t.Context(), e.ID), map[string]error{
				failpoint.StartBeforeCommit:  &domain.Error{Code: domain.WrongStatus},
				failpoint.ResumeBeforeCommit: errBraked,
			}[c.point])
			w.release(p, domain.BrakeAll)
			require.NoError(t, p.App.Events.StartDue(t.Context()))
			require.Equal(t, domain.Stopped, w.status(p, e.ID))
		})
	}
}

// A redrive of a completed event has looked at the brake and not committed yet when the brake comes. The brake waits
// for it by the lock of moves; the next batch of the redrive is refused (F53).
func TestBrakeMeetsARetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), w.told(func(string, int) (domain.Verdict, bool) {
		return domain.RefusedForGood,
			false
	}), daemon.RoleAPI)
	e := w.event(p, "POINT", 20)
	w.run(p, e)
	require.NoError(t, p.App.Grants.Handle(t.Context(), w.message(e)))
	w.exec(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
	givenUp := w.count(`SELECT count(*) FROM point_results WHERE status = 'PERMANENTLY_FAILED'`)
	require.Positive(t, givenUp)
	ctx, reached, release := heldAt(t.Context(), failpoint.RedriveBeforeCommit)
	defer release()
	retried := make(chan error, 1)
	go func() {
		_, err := p.App.Events.Retry(ctx, operator, e.ID, "", false)
		retried <- err
	}()
	<-reached
	braked := make(chan app.Braked, 1)
	go func() { braked <- w.brake(p, domain.BrakeAll) }()
	const waits = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	require.Eventually(t, func() bool { return len(braked) > 0 || w.count(waits) > 0 }, time.Minute, 5*time.Millisecond)
	require.Empty(t, braked, "the brake waits for the redrive")
	release()
	<-braked
	require.ErrorIs(t, <-retried, errBraked, "what comes after the brake's row sees it")
	require.Equal(t, givenUp, w.count(`SELECT count(*) FROM point_results WHERE redrive = 1`))
}

// A claim of a redrive has not seen the brake's row and is not committed yet: no stop takes the gate of a completed
// event, so the brake waits for the claim by its own lock, and then until it is closed. It takes none itself while the
// brake waits.
func TestBrakeMeetsAClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	e := w.event(p, "POINT", 20)
	w.run(p, e)
	m := w.message(e)
	ctx, reached, release := heldAt(t.Context(), failpoint.ClaimBeforeCommit)
	defer release()
	ctx, reachedLedger, releaseLedger := heldAt(ctx, failpoint.ClaimAfterCommit)
	defer releaseLedger()
	handled := make(chan error, 1)
	go func() { handled <- p.App.Grants.Handle(ctx, m) }()
	<-reached
	w.exec(`UPDATE campaign_events SET event_status = 'COMPLETED'`) // which no lock of the claim forbids
	braked := make(chan app.Braked, 1)
	go func() { braked <- w.brake(p, domain.BrakeAll) }()
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM brakes`) == 1 }, time.Minute,
		5*time.Millisecond)
	require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
		"the claim may still begin")
	release()
	<-reachedLedger
	require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
		"the claim is open")
	releaseLedger()
	require.NoError(t, <-handled)
	b := <-braked
	require.Zero(t, b.Draining())
	require.Equal(t, len(m.Grants), w.count(`SELECT count(*) FROM money.point_member`),
		"granted under the claim that was open, before the answer")
}

// Killed anywhere after its row's COMMIT, a brake stands: asked again with the same key it does what was left, and
// answers. Asked once more after a release, it is engaged again, and the answer is no stored one.
func TestBrakeKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		failpoint.BrakeBeforeCommit, failpoint.BrakeAfterCommit, failpoint.StopAllBetween,
		failpoint.BrakeBeforeAnswer, failpoint.BrakeAfterAnswer,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
			one, two := w.event(p, "POINT", 10), w.event(p, "VOUCHER", 10)
			w.run(p, one)
			w.run(p, two)
			by := command.Caller{Actor: "test", Once: &command.Once{Key: "brake", Fingerprint: []byte("all")}}
			ctx, hits := abort(t.Context(), point, 1)
			_, err := p.App.Events.Brake(ctx, by, domain.BrakeAll, "killed")
			require.ErrorIs(t, err, errKilled)
			require.Equal(t, int32(1), hits.Load())
			if point != failpoint.BrakeBeforeCommit {
				require.Equal(t, 1, w.count(`SELECT count(*) FROM brakes`))
			}
			_, err = p.App.Events.Brake(t.Context(), by, domain.BrakeAll, "killed")
			require.NoError(t, err)
			for _, e := range []domain.Event{one, two} {
				require.Equal(t, domain.Stopped, w.status(p, e.ID))
			}
			w.release(p, domain.BrakeAll)
			_, err = p.App.Events.Brake(t.Context(), by, domain.BrakeAll, "killed")
			require.NoError(t, err)
			require.False(t, by.Once.Replayed)
			require.Equal(t, 1, w.count(`SELECT count(*) FROM brakes`))
		})
	}
}
