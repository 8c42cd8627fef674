package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The search for a member among an event's rejected rows ends after searchedRows of them, and the answer says so.
func TestSearchOfRejectedRowsIsBounded(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event()
	const imports = `INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		SELECT i.id, $1, 'test', 'text/csv', 'x', 1, 0, i.rejected, 0 FROM (VALUES (101, 1), (102, $2::int), (103, 0), (104, 2)) i (id, rejected)`
	s.exec(imports, id, searchedRows)
	const rows = `INSERT INTO rejected_rows (import_id, line, error_code, reason, raw) SELECT i.id, n, 'bad_amount', 'x', format('m%s-%s,x', i.id, n)
		FROM imports i CROSS JOIN LATERAL generate_series(1, i.rejected) n WHERE i.event_id = $1`
	s.exec(rows, id)
	reports := &Reports{s.targets.Deps}
	look := func(member string) Absence {
		a, err := reports.WhyAbsent(t.Context(), id, member)
		require.NoError(t, err)
		return a
	}
	rejected := func(importID, line int64, member string) {
		a := look(member)
		require.Equal(t, Absence{Code: RowRejected, Text: a.Text, ImportID: importID, Line: line}, a, member)
	}
	const unsaid = "in none of the 20,000 rejected rows that were searched, those of the newest imports first; there are 20,003"
	rejected(104, 2, "m104-2")
	rejected(102, 1, "m102-1")
	rejected(102, searchedRows-2, "m102-19998")
	for _, member := range []string{"m102-19999", "m101-1", "m"} {
		a := look(member)
		require.Equal(t, NotListed, a.Code, member)
		require.Contains(t, a.Text, unsaid)
	}
	s.exec(`DELETE FROM imports WHERE id = 104`)
	rejected(102, searchedRows, "m102-20000")
	s.exec(`DELETE FROM imports WHERE id = 102`)
	rejected(101, 1, "m101-1")
	require.Equal(t, "the event has no member list", look("m").Text)
}
