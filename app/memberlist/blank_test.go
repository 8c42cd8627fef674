package memberlist

import (
	"io"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A list of blank lines ends after as many as no sheet has, in both formats.
func TestBlankLinesEnd(t *testing.T) {
	t.Parallel()
	for contentType, head := range map[string]string{"text/csv": "member_id\nM1\n", "application/x-ndjson": "{\"member_id\":\"M1\"}\n"} {
		list, err := Open(contentType, io.MultiReader(strings.NewReader(head), endlessly("\n")), 1, anyAmount)
		require.NoError(t, err)
		var r Row
		require.NoError(t, list.Next(&r))
		err = list.Next(&r)
		require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile})
		require.ErrorContains(t, err, "hold nothing")
	}
}
