package money_test

import (
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// F43: what is not applied by the deadline never is, and its key is not burnt.
func TestDeadlinePassed(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		for _, deadline := range []time.Time{{}, time.Now().Add(-time.Second), time.Now()} {
			_, err := grant(t.Context(), deadline, items(3)) // the fast way
			require.ErrorIs(t, err, money.ErrDeadline)
			require.Zero(t, count(t, s.Pool, s.table))
		}
		ask(t, grant, item(1))
		_, err := grant(t.Context(), time.Now().Add(-time.Second), items(3)) // the slow way
		require.ErrorIs(t, err, money.ErrDeadline)
		require.Equal(t, 1, count(t, s.Pool, s.table))

		answers, err := grant(t.Context(), time.Now().AddDate(2000, 0, 0), items(3))
		require.NoError(t, err)
		require.Equal(t, []money.Outcome{money.Granted, money.Replayed, money.Granted}, outcomes(answers))
	})
}

// A batch that had to wait for another one past its deadline is not applied, though nothing stands in its way any more.
func TestDeadlinePassedInWaiting(t *testing.T) {
	t.Parallel()
	eachKind(t, func(s subject) {
		t, grant := s.t, s.grant
		other, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), `LOCK TABLE `+s.table+` IN EXCLUSIVE MODE`)
		require.NoError(t, err)
		deadline := time.Now().Add(200 * time.Millisecond)
		var g errgroup.Group
		g.Go(func() error {
			_, err := grant(t.Context(), deadline, items(3))
			return err
		})
		waitForLock(t, s.Pool)
		_, err = other.Exec(t.Context(), `SELECT pg_sleep(extract(epoch FROM $1 - clock_timestamp()))`, deadline.Add(time.Millisecond))
		require.NoError(t, err)
		require.NoError(t, other.Rollback(t.Context()))
		require.ErrorIs(t, g.Wait(), money.ErrDeadline)
		require.Zero(t, count(t, s.Pool, s.table))
	})
}
