//go:build failpoint

package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

var errKilled = errors.New("killed here")

// killedAt is a context in which the first passage of a point ends what is done; hits counts the passages.
func killedAt(ctx context.Context, point string) (killed context.Context, hits *atomic.Int32) {
	hits = new(atomic.Int32)
	return failpoint.With(ctx, func(at string) error {
		if at == point && hits.Add(1) == 1 {
			return errKilled
		}
		return nil
	}), hits
}

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

// Killed before its commit, a move has changed nothing; killed after it, it is done. Asked again with the same key, it is
// done once, whichever of the two it was.
func TestAMoveKilledAnywhere(t *testing.T) {
	t.Parallel()
	later := time.Now().AddDate(1, 0, 0).Truncate(time.Second)
	patch := EventPatch{ExpiryAt: SetTo(&later)}
	always := func(domain.Event) error { return nil }
	for name, c := range map[string]struct {
		status domain.Status
		points [2]string // before and after its commit
		move   func(context.Context, *Events, command.Caller, int64) error
		moved  string // what says that it was done, in SQL
	}{
		"start": {
			domain.Pending,
			[2]string{failpoint.StartBeforeCommit, failpoint.StartAfterCommit},
			func(ctx context.Context, s *Events, by command.Caller, id int64) error {
				_, _, err := s.Start(ctx, by, id)
				return err
			}, `event_status = 'RUNNING'`,
		},
		"stop": {
			domain.Running,
			[2]string{failpoint.StopBeforeCommit, failpoint.StopAfterCommit},
			func(ctx context.Context, s *Events, by command.Caller, id int64) error {
				_, err := s.Stop(ctx, by, id, "why")
				return err
			}, `event_status = 'STOPPED'`,
		},
		"resume": {
			domain.Stopped,
			[2]string{failpoint.ResumeBeforeCommit, failpoint.ResumeAfterCommit},
			func(ctx context.Context, s *Events, by command.Caller, id int64) error {
				_, _, err := s.Resume(ctx, by, id)
				return err
			}, `event_status = 'RUNNING'`,
		},
		"edit": {
			domain.Pending,
			[2]string{failpoint.EditBeforeCommit, failpoint.EditAfterCommit},
			func(ctx context.Context, s *Events, by command.Caller, id int64) error {
				_, err := s.Edit(ctx, by, id, patch, always)
				return err
			}, `expiry_at IS NOT NULL`,
		},
		"close": {
			domain.Running,
			[2]string{failpoint.CloseBeforeCommit, failpoint.CloseAfterCommit},
			func(ctx context.Context, s *Events, _ command.Caller, id int64) error { return s.Close(ctx, id) },
			`event_status = 'COMPLETED'`,
		},
	} {
		for i, point := range c.points {
			t.Run(name+" at "+point, func(t *testing.T) {
				t.Parallel()
				s := setupLife(t)
				id := s.listed(c.status)
				if name == "close" {
					s.settle(id)
				}
				moved := func() bool {
					return s.Int(`SELECT count(*) FROM campaign_events WHERE id = $1 AND `+c.moved, id) == 1
				}
				ctx, hits := killedAt(t.Context(), point)
				require.ErrorIs(t, c.move(ctx, s.app.Events, by("k"), id), errKilled)
				require.EqualValues(t, 1, hits.Load())
				require.Equal(t, i == 1, moved())
				s.mustDo(c.move(t.Context(), s.app.Events, by("k"), id))
				require.True(t, moved())
				s.mustDo(c.move(t.Context(), s.app.Events, by("k"), id))
				require.True(t, moved())
			})
		}
	}
}

// A deletion that is killed has deleted everything or nothing, and the rest of a partition goes with the next tidying.
func TestADeletionKilledAnywhere(t *testing.T) {
	t.Parallel()
	for point, gone := range map[string]bool{failpoint.DeleteBeforeCommit: false, failpoint.DeleteAfterCommit: true} {
		s := setupLife(t)
		id := s.listed(domain.Pending)
		ctx, _ := killedAt(t.Context(), point)
		err := s.app.Events.Delete(ctx, by("k"), id, func(domain.Event) error { return nil })
		require.ErrorIs(t, err, errKilled)
		require.Equal(t, gone, s.wholeAfter(id) == "", point)
		s.mustDo(s.app.Events.Delete(t.Context(), by("k"), id, func(domain.Event) error { return nil }))
		require.Empty(t, s.wholeAfter(id))
		require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM deleted_events`))
	}
}

// A timetable that dies between two events has done the first; the next look does the others.
func TestATimetableKilledInBetween(t *testing.T) {
	t.Parallel()
	for point, c := range map[string]struct {
		do   func(*Events, context.Context) error
		done domain.Status
	}{
		failpoint.StartDueBetween:  {(*Events).StartDue, domain.Running},
		failpoint.CloseDoneBetween: {(*Events).CloseDone, domain.Completed},
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			for second := range 3 {
				if c.done == domain.Completed {
					s.settle(s.listed(domain.Running))
					continue
				}
				s.Exec(`UPDATE campaign_events SET reservation_at = timestamptz '2026-01-01 00:00:00Z' + make_interval(secs => $2)
					WHERE id = $1`, s.listed(domain.Pending), second)
			}
			done := func() int64 { return s.Int(`SELECT count(*) FROM campaign_events WHERE event_status = $1`, c.done) }
			ctx, _ := killedAt(t.Context(), point)
			require.ErrorIs(t, c.do(s.app.Events, ctx), errKilled)
			require.EqualValues(t, 1, done())
			s.mustDo(c.do(s.app.Events, t.Context()))
			require.EqualValues(t, 3, done())
		})
	}
}

// A redrive that dies between its batches has asked for none of a member twice: with its key it asks for the others, and
// then its answer is kept.
func TestARedriveKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		failpoint.RedriveBeforeCommit, failpoint.RedriveAfterCommit, failpoint.ForwardBeforeCommit,
		failpoint.RetryAfterCommit,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			id := s.givenUp()
			ctx, hits := killedAt(t.Context(), point)
			_, err := s.app.Events.Retry(ctx, by("k"), id, "", false)
			require.ErrorIs(t, err, errKilled)
			require.EqualValues(t, 1, hits.Load())
			for range 2 {
				_, err = s.app.Events.Retry(t.Context(), by("k"), id, "", false)
				require.NoError(t, err)
				require.EqualValues(t, 3, s.Int(`SELECT count(*) FROM point_results WHERE redrive = 1 AND redrive_done = 0`))
				require.Equal(t, "available", s.jobs(id))
			}
		})
	}
}

// givenUp makes a completed event of three members who were given up.
func (s *lifeTest) givenUp() int64 {
	s.Helper()
	id := s.listed(domain.Running)
	s.Exec(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, error_message)
		SELECT event_id, member_id, amount, 'PERMANENTLY_FAILED', 'account_closed', 'x' FROM point_targets`)
	s.Exec(`UPDATE campaign_event_summary SET published_count = 3, fail_count = 3`)
	s.mustDo(s.app.Events.CloseDone(s.Context()))
	require.Equal(s, domain.Completed, s.status(id))
	s.Exec(`DELETE FROM river.river_job`) // all of it was published
	return id
}

// A start, or a resume, is between its look at the brake and its COMMIT when the brake comes: the brake waits for it
// and stops it, so that it does not go on by itself after the release. One that comes later is refused (F53).
func TestBrakeMeetsAStart(t *testing.T) {
	t.Parallel()
	for point, c := range map[string]struct {
		status  domain.Status
		move    func(*Events, context.Context, int64) error
		refused domain.Code
	}{
		failpoint.StartBeforeCommit: {domain.Pending, func(s *Events, ctx context.Context, id int64) error {
			_, _, err := s.Start(ctx, by(""), id)
			return err
		}, domain.WrongStatus},
		failpoint.ResumeBeforeCommit: {domain.Stopped, func(s *Events, ctx context.Context, id int64) error {
			_, _, err := s.Resume(ctx, by(""), id)
			return err
		}, domain.BrakeEngaged},
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			id := s.listed(c.status)
			ctx, reached, release := heldAt(t.Context(), point)
			defer release()
			moved := make(chan error, 1)
			go func() { moved <- c.move(s.app.Events, ctx, id) }()
			<-reached
			braked := s.braking()
			s.engaged()
			require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
				"the brake waits for it")
			require.NoError(t, s.app.Events.StartDue(t.Context()), "and nothing waits for the brake")
			release()
			require.NoError(t, <-moved)
			require.Len(t, (<-braked).Events, 1)
			require.Equal(t, domain.Stopped, s.status(id))
			require.Equal(t, c.refused, codeOf(t, c.move(s.app.Events, t.Context(), id)))
			s.release(domain.BrakeAll)
			s.mustDo(s.app.Events.StartDue(t.Context()))
			require.Equal(t, domain.Stopped, s.status(id))
		})
	}
}

// braking engages the brake of all events meanwhile.
func (s *lifeTest) braking() chan Braked {
	braked := make(chan Braked, 1)
	go func() {
		b, err := s.app.Events.Brake(s.Context(), by(""), domain.BrakeAll, "why")
		if err != nil {
			s.Errorf("brake: %v", err)
		}
		braked <- b
	}()
	return braked
}

// engaged waits until the brake's row is committed.
func (s *lifeTest) engaged() {
	s.Helper()
	require.Eventually(s, func() bool { return s.Int(`SELECT count(*) FROM brakes`) == 1 }, time.Minute, 5*time.Millisecond)
}

// A redrive of a completed event has looked at the brake and not committed yet when the brake comes. The brake waits
// for it by the lock of moves; the next batch of the redrive is refused (F53).
func TestBrakeMeetsARetry(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.givenUp()
	ctx, reached, release := heldAt(t.Context(), failpoint.RedriveBeforeCommit)
	defer release()
	retried := make(chan error, 1)
	go func() {
		_, err := s.app.Events.Retry(ctx, by(""), id, "", false)
		retried <- err
	}()
	<-reached
	braked := s.braking()
	const waits = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	require.Eventually(t, func() bool { return len(braked) > 0 || s.Int(waits) > 0 }, time.Minute, 5*time.Millisecond)
	require.Empty(t, braked, "the brake waits for the redrive")
	release()
	<-braked
	require.Equal(t, domain.BrakeEngaged, codeOf(t, <-retried), "what comes after the brake's row sees it")
	require.EqualValues(t, 3, s.Int(`SELECT count(*) FROM point_results WHERE redrive = 1`))
}

// payer is a ledger that grants everything, and counts what it granted.
type payer struct{ granted atomic.Int32 }

func (p *payer) Grant(_ context.Context, _ domain.Event, _ time.Time, asked []domain.Grant) ([]domain.Outcome, error) {
	outcomes := make([]domain.Outcome, len(asked))
	for i, g := range asked {
		outcomes[i] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-" + g.MemberID}
	}
	p.granted.Add(int32(len(asked)))
	return outcomes, nil
}

func (p *payer) Lookup(_ context.Context, _ domain.Event, asked []domain.Grant) ([]*domain.Outcome, error) {
	return make([]*domain.Outcome, len(asked)), nil
}

func (p *payer) Away(domain.Event) error { return nil }

// A claim of a redrive has not seen the brake's row and is not committed yet: no stop takes the gate of a completed
// event, so the brake waits for the claim by its own lock, and then until it is closed. It takes none itself while the
// brake waits (F53).
func TestBrakeMeetsAClaim(t *testing.T) {
	t.Parallel()
	ledger := new(payer)
	s := setupLife(t, func(d *Deps) { d.Granter = ledger })
	id := s.Event("partition_count = 1")
	s.mustImport(id, list)
	s.mustDo(s.start(id))
	m := outbox.Message{ID: "message", Chunk: s.Chunks(id)[0], EventType: "POINT", At: outbox.Position{Topic: "grants.point"}}
	for _, target := range s.Targets(id) {
		m.Grants = append(m.Grants, domain.Grant{TargetID: target.ID, MemberID: target.Member, Amount: target.Amount})
	}
	ctx, reached, release := heldAt(t.Context(), failpoint.ClaimBeforeCommit)
	defer release()
	ctx, reachedLedger, releaseLedger := heldAt(ctx, failpoint.ClaimAfterCommit)
	defer releaseLedger()
	handled := make(chan error, 1)
	go func() { handled <- s.app.Grants.Handle(ctx, m) }()
	<-reached
	s.Exec(`UPDATE campaign_events SET event_status = 'COMPLETED'`) // which no lock of the claim forbids
	braked := s.braking()
	s.engaged()
	require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
		"the claim may still begin")
	release()
	<-reachedLedger
	require.Never(t, func() bool { return len(braked) > 0 }, 300*time.Millisecond, 10*time.Millisecond,
		"the claim is open")
	releaseLedger()
	require.NoError(t, <-handled)
	require.Zero(t, (<-braked).Draining())
	require.EqualValues(t, len(m.Grants), ledger.granted.Load(),
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
			s := setupLife(t)
			one, two := s.listed(domain.Running), s.listed(domain.Running)
			asked := by("brake")
			ctx, hits := killedAt(t.Context(), point)
			_, err := s.app.Events.Brake(ctx, asked, domain.BrakeAll, "killed")
			require.ErrorIs(t, err, errKilled)
			require.EqualValues(t, 1, hits.Load())
			if point != failpoint.BrakeBeforeCommit {
				require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM brakes`))
			}
			_, err = s.app.Events.Brake(t.Context(), asked, domain.BrakeAll, "killed")
			require.NoError(t, err)
			for _, id := range []int64{one, two} {
				require.Equal(t, domain.Stopped, s.status(id))
			}
			s.release(domain.BrakeAll)
			_, err = s.app.Events.Brake(t.Context(), asked, domain.BrakeAll, "killed")
			require.NoError(t, err)
			require.False(t, asked.Once.Replayed)
			require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM brakes`))
		})
	}
}

// Killed on either side of its COMMIT, a release with its key asked again lets go of the brake, and starts what is due.
func TestAReleaseKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, point := range []string{failpoint.ReleaseBeforeCommit, failpoint.ReleaseAfterCommit} {
		s := setupLife(t)
		due := s.reserved(1)
		s.brake(domain.BrakeAll)
		ctx, _ := killedAt(t.Context(), point)
		_, err := s.app.Events.ReleaseBrake(ctx, by("k"), domain.BrakeAll, "it was nothing")
		require.ErrorIs(t, err, errKilled)
		require.Equal(t, domain.Pending, s.status(due), point)
		_, err = s.app.Events.ReleaseBrake(t.Context(), by("k"), domain.BrakeAll, "it was nothing")
		require.NoError(t, err)
		require.Equal(t, domain.Running, s.status(due), point)
	}
}
