package imports

import (
	"strings"
	"testing"

	"bestow/app/command"

	"github.com/stretchr/testify/require"
)

// An import counts which of its accepted rows took the event's default amount, and keeps the largest amount, in either
// format.
func TestImportCountsTheDefault(t *testing.T) {
	t.Parallel()
	for contentType, list := range map[string]string{
		typeCSV: "member_id,amount\na,\nb,7\nc,\na,\nd,5\nbad,x\n",
		"application/x-ndjson": `{"member_id": "a"}` + "\n" + `{"member_id": "b", "amount": 7}` + "\n" +
			`{"member_id": "c"}` + "\n" + `{"member_id": "a"}` + "\n" + `{"member_id": "d", "amount": 5}` + "\n",
	} {
		s := setupImport(t)
		id := s.Event("default_amount = 5")
		u := Upload{Body: strings.NewReader(list), ContentType: contentType}
		r, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id, u)
		require.NoError(t, err)
		require.Equal(t, 4, r.Value.Accepted)
		require.Equal(t, int64(22), r.Value.TotalAmount)
		require.Equal(t, int64(2), s.Int(`SELECT defaulted FROM imports WHERE id = $1`, r.Value.ImportID),
			"the second row of a does not count, nor does 5 that was written")
		require.Equal(t, int64(7), s.Int(`SELECT max_amount FROM imports WHERE id = $1`, r.Value.ImportID))
		require.Equal(t, int64(5),
			s.Int(`SELECT amount FROM point_targets WHERE event_id = $1 AND member_id = 'a'`, id))
	}
}
