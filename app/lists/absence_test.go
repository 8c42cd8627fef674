package lists

import (
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/imports"
	"bestow/internal/eventtest"

	"github.com/stretchr/testify/require"
)

// The search for a member among an event's rejected rows ends after searchedRows of them, and the answer says so.
func TestSearchOfRejectedRowsIsBounded(t *testing.T) {
	t.Parallel()
	s := eventtest.New(t)
	id := s.Event()
	const imports = `INSERT INTO imports (id, event_id, created_by, content_type, header, sha256, bytes, accepted, rejected, total_amount)
		SELECT i.id, $1, 'test', 'text/csv', 'member_id,reason', 'x', 1, 0, i.rejected, 0 FROM (VALUES (101, 1), (102, $2::int), (103, 0), (104, 2)) i (id, rejected)`
	s.Exec(imports, id, searchedRows)
	const rows = `INSERT INTO rejected_rows (import_id, line, error_code, reason, raw) SELECT i.id, n, 'bad_amount', 'x', format('m%s-%s,x', i.id, n)
		FROM imports i CROSS JOIN LATERAL generate_series(1, i.rejected) n WHERE i.event_id = $1`
	s.Exec(rows, id)
	lists := &Lists{pool: s.Pool}
	look := func(member string) Absence {
		a, err := lists.WhyAbsent(t.Context(), id, member)
		require.NoError(t, err)
		return a
	}
	rejected := func(importID, line int64, member string) {
		a := look(member)
		require.Equal(t, Absence{Code: RowRejected, Text: a.Text, ImportID: importID, Line: line, RowCode: "bad_amount"}, a, member)
	}
	const unsaid = "in none of the 20,000 rejected rows that were searched, those of the newest imports first; " +
		"there are 20,003"
	rejected(104, 2, "m104-2")
	rejected(102, 1, "m102-1")
	rejected(102, searchedRows-2, "m102-19998")
	for _, member := range []string{"m102-19999", "m101-1", "m"} {
		a := look(member)
		require.Equal(t, NotListed, a.Code, member)
		require.Contains(t, a.Text, unsaid)
	}
	s.Exec(`DELETE FROM imports WHERE id = 104`)
	rejected(102, searchedRows, "m102-20000")
	s.Exec(`DELETE FROM imports WHERE id = 102`)
	rejected(101, 1, "m101-1")
	require.Equal(t, "the event has no member list", look("m").Text)
}

// A row is said to be the member's only if its member_id is the member: amounts, reasons and names of columns are not
// (reviewer3 V4). A row of the member comes before another one that has the text in a field.
func TestRejectedRowIsTheMembers(t *testing.T) {
	t.Parallel()
	s := eventtest.New(t)
	id := s.Event()
	uploads, err := imports.New(imports.Config{Pool: s.Pool, River: s.River, Sizes: imports.DefaultSizes()})
	require.NoError(t, err)
	csv := "amount,reason,member_id\n1.5,hello,m 1\n10,x,m1\n1.5,welcome,m-3\n10,1000,x " +
		"\"y\n1.5,,1000\n1,2,3,4\n\"1.5\",\"m-3\",\" m,4 \"\n"
	ndjson := `{"member_id":"m-2","amount":1.25}` + "\n" + `{"amount":5,"member_id":77}` + "\n" +
		`{"member_id":"m-5","x":"m-6"}` + "\n" + `{"member_id":"ok","amount":1}` + "\n"
	for _, u := range []imports.Upload{
		{Body: strings.NewReader(csv), ContentType: "text/csv"}, {Body: strings.NewReader(ndjson), ContentType: "application/x-ndjson"},
	} {
		_, err := uploads.Import(t.Context(), command.Caller{Actor: "test"}, id, u)
		require.NoError(t, err)
	}
	lists := &Lists{pool: s.Pool}
	for member, line := range map[string]int64{
		"m 1": 2, "m-3": 4, "1000": 6, "m-2": 1, "77": 2, "m-5": 3, "3": 7,
		"m,4": 8,
	} {
		a, err := lists.WhyAbsent(t.Context(), id, member)
		require.NoError(t, err)
		require.Equal(t, line, a.Line, "%s: %s", member, a.Text)
		require.Contains(t, a.Text, "a row with the member was rejected (", member)
	}
	for member, line := range map[string]int64{
		"hello": 2, "welcome": 4, "1.5": 2, "1.25": 1, "member_id": 1, "m-6": 3,
		"4": 7,
	} {
		a, err := lists.WhyAbsent(t.Context(), id, member)
		require.NoError(t, err)
		require.Equal(t, RowRejected, a.Code)
		require.Equal(t, line, a.Line, "%s: %s", member, a.Text)
		require.Contains(t, a.Text, "a rejected row has this text in one of its fields (", member)
	}
}
