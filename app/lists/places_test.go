package lists

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Exports that stand still hold only their own places: the next one has its turn when one has left, and is told to come
// again where none leaves, or the process stops. One principal cannot take all. The audit keeps only who got a place.
func TestExportPlaces(t *testing.T) {
	t.Parallel()
	s := eventtest.New(t)
	id := s.Event()
	lists, err := New(s.Pool)
	require.NoError(t, err)
	free := make(chan struct{})
	began, ended := make(chan struct{}), make(chan error, maxExports+1)
	of := func(owner string) Taking { return Taking{By: command.Caller{Actor: owner}} }
	for _, owner := range []string{"crm", "crm", "kim"} {
		go func() {
			ended <- lists.export(t.Context(), of(owner), id, "targets", func(pgx.Tx, domain.Event) error {
				began <- struct{}{}
				<-free
				return nil
			})
		}()
		<-began
	}
	nothing := func(pgx.Tx, domain.Event) error { return nil }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, lists.export(gone, of("lee"), id, "targets", nothing), context.Canceled)
	stopped := make(chan struct{})
	close(stopped)
	stopping := Taking{By: command.Caller{Actor: "lee"}, Ending: stopped}
	err = lists.export(t.Context(), stopping, id, "targets", nothing)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
	require.ErrorContains(t, err, "stops")
	late := errors.New("late")
	go func() {
		ended <- lists.export(t.Context(), of("ann"), id, "targets", func(pgx.Tx, domain.Event) error { return late })
	}()
	select {
	case err := <-ended:
		require.Fail(t, "it did not wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	hasty := &Lists{pool: s.Pool, exports: lists.exports, wait: time.Millisecond}
	err = hasty.export(t.Context(), of("lee"), id, "targets", nothing)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
	require.ErrorContains(t, err, "too many lists are being exported")
	err = hasty.export(t.Context(), of("crm"), id, "targets", nothing)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
	require.ErrorContains(t, err, "for you")
	var who []string
	require.NoError(t, s.Pool.QueryRow(t.Context(),
		`SELECT array_agg(actor ORDER BY actor) FROM audit_log WHERE action = 'targets.export'`).Scan(&who))
	require.Equal(t, []string{"crm", "crm", "kim"}, who)
	close(free)
	var all error
	for range maxExports + 1 {
		all = errors.Join(all, <-ended)
	}
	require.ErrorIs(t, all, late)
}
