//go:build failpoint

package app

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

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
