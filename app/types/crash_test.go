//go:build failpoint

package types

import (
	"errors"
	"testing"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/failpoint"

	"github.com/stretchr/testify/require"
)

var errKilled = errors.New("killed here")

// Killed anywhere, the making of a type goes on where it was: the next job, or another request with the same key, ends
// it, and nothing is made twice.
func TestATypeIsKilledAnywhere(t *testing.T) {
	t.Parallel()
	for point, left := range map[string]domain.TypeState{
		failpoint.TypeBeforeCommit:       "",
		failpoint.TypeAfterCommit:        domain.TypeCreating,
		failpoint.TypeTablesBeforeCommit: domain.TypeCreating,
		failpoint.TypeTablesMade:         domain.TypeTables,
		failpoint.TypeTopicsMade:         domain.TypeTables,
		failpoint.TypeReady:              domain.TypeReady,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			hits := 0
			ctx := failpoint.With(t.Context(), func(at string) error {
				if at != point {
					return nil
				}
				if hits++; hits == 1 {
					return errKilled
				}
				return nil
			})
			create := func() error {
				by := command.Caller{Actor: "kim", Once: &command.Once{Key: "k", Fingerprint: []byte("body")}}
				_, err := b.types.Create(ctx, by, NewType{
					Code: "COUPON", Label: "x", Granter: domain.OurGranter, Operation: domain.Vouchers,
				})
				return err
			}
			err := create()
			if err == nil {
				err = b.make(ctx)
			}
			require.ErrorIs(t, err, errKilled)
			require.Equal(t, left, b.state("COUPON"))
			require.NoError(t, create())
			require.NoError(t, b.make(ctx))
			require.Equal(t, domain.TypeReady, b.state("COUPON"))
			require.EqualValues(t, 2, b.tables("COUPON"))
			require.EqualValues(t, 1, b.Int(`SELECT count(*) FROM river.river_job WHERE kind = 'make_types'`))
			require.EqualValues(t, 1, b.Int(`SELECT count(*) FROM audit_log WHERE action = 'type.create'`))
		})
	}
}
