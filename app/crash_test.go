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
	"bestow/app/patch"
	"bestow/domain"
	"bestow/internal/failpoint"

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
	change := EventPatch{ExpiryAt: patch.SetTo(&later)}
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
				_, err := s.Edit(ctx, by, id, change, always)
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
		_, err := s.app.Events.Delete(ctx, by("k"), id, func(domain.Event) error { return nil })
		require.ErrorIs(t, err, errKilled)
		require.Equal(t, gone, s.wholeAfter(id) == "", point)
		_, err = s.app.Events.Delete(t.Context(), by("k"), id, func(domain.Event) error { return nil })
		require.NoError(t, err)
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
