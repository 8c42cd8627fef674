package lists

import (
	"testing"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// Members are looked for all at once, in one event or in all, in their normal form too.
func TestKnown(t *testing.T) {
	t.Parallel()
	s := eventtest.New(t)
	first, second := s.Event(), s.Event()
	list := func(event int64, members ...string) {
		s.Exec(`INSERT INTO point_targets (event_id, amount, member_id, partition_key) SELECT $1, 5, m, 0 FROM unnest($2::text[]) m`,
			event, members)
	}
	list(first, "007", "가나")
	list(second, "07", "007")
	lists := &Lists{pool: s.Pool}
	known := func(event int64, members ...string) []string {
		found, err := lists.Known(t.Context(), event, members)
		require.NoError(t, err)
		return found
	}
	asked := []string{"7", "07", "007", "0007", norm.NFD.String("가나"), " 07 "}
	require.Equal(t, []string{"07", "007", norm.NFD.String("가나"), " 07 "}, known(0, asked...))
	require.Equal(t, []string{"007", norm.NFD.String("가나")}, known(first, asked...))
	require.Equal(t, []string{"07", "007", " 07 "}, known(second, asked...))
	require.Empty(t, known(0, "7"))
	require.Empty(t, known(0))
	_, err := lists.Known(t.Context(), second+1, asked)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
}
