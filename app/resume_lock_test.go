package app

import (
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A resume that waits for the targets of its type, which an import takes to attach a partition, keeps nothing that the
// import needs: it would be a deadlock.
func TestResumeBesideAPartition(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.listed(domain.Stopped)
	attaching, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = attaching.Exec(t.Context(), `LOCK TABLE point_targets_default IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	resumed := make(chan error, 1)
	go func() { resumed <- s.resume(id) }()
	require.Eventually(t, func() (waits bool) {
		require.NoError(t, attaching.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks
			WHERE NOT granted AND relation = 'point_targets_default'::regclass)`).Scan(&waits))
		return waits
	}, time.Minute, 10*time.Millisecond)
	// less than deadlock_timeout, after which PostgreSQL would end one of the two
	_, err = attaching.Exec(t.Context(), `SET LOCAL lock_timeout = '500ms';
		LOCK TABLE campaign_events IN SHARE ROW EXCLUSIVE MODE`)
	require.NoError(t, err)
	require.NoError(t, attaching.Commit(t.Context()))
	require.NoError(t, <-resumed)
	require.Equal(t, domain.Running, s.status(id))
}
