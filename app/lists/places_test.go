package lists

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Exports that stand still hold only their own places: the next one has its turn when one has left, and is told to come
// again where none leaves.
func TestExportPlaces(t *testing.T) {
	t.Parallel()
	s := eventtest.New(t)
	id := s.Event()
	lists, err := New(s.Pool)
	require.NoError(t, err)
	free := make(chan struct{})
	began, ended := make(chan struct{}), make(chan error, maxExports+1)
	for range maxExports {
		go func() {
			ended <- lists.export(t.Context(), id, func(pgx.Tx, domain.Event) error {
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
	require.ErrorIs(t, lists.export(gone, id, nothing), context.Canceled)
	late := errors.New("late")
	go func() { ended <- lists.export(t.Context(), id, func(pgx.Tx, domain.Event) error { return late }) }()
	select {
	case err := <-ended:
		require.Fail(t, "it did not wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	hasty := &Lists{pool: s.Pool, exports: lists.exports, wait: time.Millisecond}
	require.ErrorIs(t, hasty.export(t.Context(), id, nothing), &domain.Error{Code: domain.Unavailable})
	close(free)
	var all error
	for range maxExports + 1 {
		all = errors.Join(all, <-ended)
	}
	require.ErrorIs(t, all, late)
}
