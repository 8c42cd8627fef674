//go:build failpoint

package imports

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"bestow/app/command"
	"bestow/internal/failpoint"

	"github.com/stretchr/testify/require"
)

// Wherever an import dies before its commit, nothing is there; done again, everything is (F2, F4).
func TestImportAbortedAtEveryPoint(t *testing.T) {
	t.Parallel()
	died := errors.New("died")
	points := []string{
		failpoint.ImportStaged, failpoint.ImportTargets, failpoint.ImportChunks, failpoint.ImportJobs,
		failpoint.ImportBeforeCommit, failpoint.ImportAfterCommit,
	}
	for _, threshold := range []int{1, 1_000_000} {
		for _, at := range points {
			t.Run(fmt.Sprint(at, threshold), func(t *testing.T) {
				t.Parallel()
				s := setupImport(t)
				s.targets.sizes.OwnPartition = threshold
				id := s.Event()
				file := append(memberFile(3000), "M1,x,\nM2,1,\nM2,2,\n"...)
				ask := func(hook func(string) error) (Result, bool, error) {
					by := command.Caller{Actor: "test", Once: &command.Once{Key: "k", Fingerprint: []byte("f")}}
					ctx := failpoint.With(t.Context(), hook)
					answer, err := s.targets.Import(ctx, by, id,
						Upload{Body: bytes.NewReader(file), ContentType: typeCSV})
					return answer.Value, answer.Replayed, err
				}
				hit := 0
				_, _, err := ask(func(point string) error {
					if point != at {
						return nil
					}
					hit++
					return died
				})
				require.ErrorIs(t, err, died)
				require.Equal(t, 1, hit)
				if at != failpoint.ImportAfterCommit {
					s.nothing(id)
				}
				result, replayed, err := ask(func(string) error { return nil })
				require.NoError(t, err)
				require.Equal(t, at == failpoint.ImportAfterCommit, replayed)
				require.Equal(t, 3001, result.Accepted)
				require.Equal(t, 2, result.Rejected)
				require.Len(t, s.rejected(id, result.ImportID), 2)
				require.Len(t, s.consistent(id), 3001)
				require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM imports`))
			})
		}
	}
}
