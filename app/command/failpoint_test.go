//go:build failpoint

package command

import (
	"errors"
	"testing"

	"bestow/internal/failpoint"

	"github.com/stretchr/testify/require"
)

// A process that dies before the commit leaves neither the deed nor its key; one that dies after it leaves both.
func TestACrashKeepsBothOrNeither(t *testing.T) {
	t.Parallel()
	for point, kept := range map[string]bool{failpoint.StartBeforeCommit: false, failpoint.StartAfterCommit: true} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			died := errors.New("died")
			ctx := failpoint.With(t.Context(), func(at string) error {
				if at == point {
					return died
				}
				return nil
			})
			c := Command[answer]{Before: failpoint.StartBeforeCommit, After: failpoint.StartAfterCommit, Do: d.write}
			_, err := Run(ctx, d.Pool, asks("kim", "k", "body"), c)
			require.ErrorIs(t, err, died)
			require.Equal(t, kept, d.done() == 1)
			require.Equal(t, kept, d.keys() == 1)
			by := asks("kim", "k", "body")
			got, err := Run(t.Context(), d.Pool, by, c)
			require.NoError(t, err)
			require.Equal(t, kept, got.Replayed)
			require.EqualValues(t, 1, d.done())
		})
	}
}
