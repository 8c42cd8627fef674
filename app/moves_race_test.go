package app

import (
	"errors"
	"testing"

	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// Two moves of one event at the same moment come one after the other: each is done or refused, never in between. After
// them the jobs are those of the status, and of a deleted event nothing is left.
func TestTwoMovesAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status domain.Status
		a, b   func(*lifeTest, int64) error
		ends   []domain.Status // "" is gone
	}{
		"start and delete": {domain.Pending, (*lifeTest).start, (*lifeTest).remove, []domain.Status{domain.Running, ""}},
		"start and edit":   {domain.Pending, (*lifeTest).start, (*lifeTest).extend, []domain.Status{domain.Running}},
		"two starts":       {domain.Pending, (*lifeTest).start, (*lifeTest).start, []domain.Status{domain.Running}},
		"start and stop":   {domain.Pending, (*lifeTest).start, (*lifeTest).stop, []domain.Status{domain.Running, domain.Stopped}},
		"two resumes":      {domain.Stopped, (*lifeTest).resume, (*lifeTest).resume, []domain.Status{domain.Running}},
		"resume and stop":  {domain.Stopped, (*lifeTest).resume, (*lifeTest).stop, []domain.Status{domain.Running, domain.Stopped}},
		"stop and retry":   {domain.Running, (*lifeTest).stop, (*lifeTest).retry, []domain.Status{domain.Stopped}},
		"edit and delete":  {domain.Pending, (*lifeTest).extend, (*lifeTest).remove, []domain.Status{""}},
		"start and brake":  {domain.Pending, (*lifeTest).start, (*lifeTest).brakeAll, []domain.Status{domain.Pending, domain.Stopped}},
		"resume and brake": {domain.Stopped, (*lifeTest).resume, (*lifeTest).brakeAll, []domain.Status{domain.Stopped}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			for range pgtest.Times(t, "BESTOW_TEST_RACES", 6) {
				id := s.listed(c.status)
				var a, b error
				var group errgroup.Group
				group.Go(func() error { a = c.a(s, id); return nil })
				group.Go(func() error { b = c.b(s, id); return nil })
				require.NoError(t, group.Wait())
				for _, err := range []error{a, b} {
					var refused *domain.Error
					require.True(t, err == nil || errors.As(err, &refused), "%v", err)
				}
				require.True(t, a == nil || b == nil, "both are refused: %v, %v", a, b)
				require.Contains(t, c.ends, s.wholeAfter(id))
				s.Exec(`DELETE FROM brakes`)
			}
		})
	}
}

func (s *lifeTest) brakeAll(int64) error {
	_, err := s.app.Events.Brake(s.Context(), by(""), domain.BrakeAll, "why")
	return err
}

// wholeAfter asserts that an event's jobs are those of its status, or that nothing of it is left, and returns its
// status, "" if it is gone.
func (s *lifeTest) wholeAfter(id int64) domain.Status {
	s.Helper()
	if s.Int(`SELECT count(*) FROM campaign_events WHERE id = $1`, id) == 0 {
		require.Equal(s, "none", s.jobs(id))
		require.Zero(s, s.Int(`SELECT (SELECT count(*) FROM point_targets WHERE event_id = $1)
			+ (SELECT count(*) FROM grant_chunks WHERE event_id = $1)`, id))
		return ""
	}
	status := s.status(id)
	require.Equal(s, map[domain.Status]string{
		domain.Pending: "pending", domain.Running: "available", domain.Stopped: "pending",
	}[status], s.jobs(id), status)
	require.EqualValues(s, 3, s.Int(`SELECT count(*) FROM point_targets WHERE event_id = $1`, id))
	return status
}
