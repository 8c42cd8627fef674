package imports

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// lines are a list's rejected rows, as "line code".
func lines(rows []RejectedRow) (all []string) {
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%d %s", r.Line, r.Code))
	}
	return all
}

// C1: of nine rows that look like four members, those whose ids have characters that are not seen are rejected, and the
// reason names the character.
func TestC1Invisible(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/c1-invisible.csv")
	require.NoError(t, err)
	s := setupImport(t)
	id := s.Event()
	result := s.mustImport(id, string(file))
	require.Equal(t, Result{
		EventID: id, ImportID: result.ImportID, Accepted: 3, Rejected: 6, TotalAmount: 70,
		Unit: "P",
	}, result)
	rejected := s.rejected(id, result.ImportID)
	require.Equal(t, []string{
		"3 bad_member_id", "4 bad_member_id", "5 bad_member_id", "7 bad_member_id",
		"8 bad_member_id", "9 bad_member_id",
	}, lines(rejected))
	for i, character := range []string{
		"U+200B as character 5", "U+FEFF as character 1", "U+00AD as character 3",
		"U+200D as character 3", "U+2028 as character 3", "U+3164 as character 1",
	} {
		require.Contains(t, rejected[i].Reason, character)
	}
}

// C2: what a spreadsheet leaves in a list is rejected, or accepted with a warning; rows of delimiters are no rows.
func TestC2Leftovers(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/c2-leftovers.csv")
	require.NoError(t, err)
	s := setupImport(t)
	id := s.Event()
	result := s.mustImport(id, string(file))
	require.Equal(t, Result{
		EventID: id, ImportID: result.ImportID, Accepted: 4, Rejected: 7, TotalAmount: 7000,
		Unit: "P", Warnings: []Warning{
			{Code: domain.SuspiciousMemberID, Line: 11, Text: `the member_id "합계" looks like a sum row: check it before the event starts`},
			{Code: domain.SuspiciousMemberID, Line: 12, Text: `the member_id "NULL" looks like an empty value: check it before the event starts`},
		},
	}, result)
	require.Equal(t, []string{
		"3 bad_member_id", "4 bad_member_id", "5 bad_member_id", "6 bad_member_id",
		"7 bad_member_id", "8 bad_member_id", "9 bad_member_id",
	},
		lines(s.rejected(id, result.ImportID)))
	members := map[string]bool{}
	for _, m := range s.consistent(id) {
		members[m.Member] = true
	}
	require.Equal(t, map[string]bool{"M1": true, "M2": true, "합계": true, "NULL": true}, members)
}

// C2: blank rows of every make are no rejects, so that they do not end an upload that asked for none.
func TestC2BlankRows(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	for _, blank := range []string{
		",", ",,", ",,,,,,", ";;", "\t\t", " , ", "\"\",\"\"", "\"\"", "\" \", ",
		"\u3000,\u00a0", "\v", " ",
	} {
		result, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, s.Event(),
			Upload{
				Body:        strings.NewReader("member_id,amount\nM1,1\n" + blank + "\nM2,2\r\n" + blank + "\r\n"),
				ContentType: typeCSV, OnReject: Abort,
			})
		require.NoError(t, err, "%q", blank)
		require.Equal(t, 2, result.Value.Accepted, "%q", blank)
	}
	_, err := s.importCSV(s.Event(), "member_id,amount\n,\n,\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile}, "a list of nothing but blank rows has no rows")
	_, err = s.importCSV(s.Event(), "member_id,amount\n,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected}, "an amount is not blank")
}

// Warnings are bounded, in the order of the lines, of accepted rows alone, and the last one counts the rest.
func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	var file strings.Builder
	file.WriteString("member_id\n")
	for i := range 130 {
		fmt.Fprintf(&file, "합계 %d\n", i)
	}
	file.WriteString("합계 0\n")
	result := s.mustImport(s.Event("default_amount = 1"), file.String())
	require.Len(t, result.Warnings, maxShown+1)
	for i, w := range result.Warnings[:maxShown] {
		require.EqualValues(t, i+2, w.Line)
	}
	require.Equal(t, Warning{Code: domain.SuspiciousMemberID, Text: "30 more rows like that"},
		result.Warnings[maxShown])

	dry, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, s.Event("default_amount = 1"),
		Upload{Body: strings.NewReader("member_id\nNULL\n"), ContentType: typeCSV, DryRun: true})
	require.NoError(t, err)
	require.Len(t, dry.Value.Warnings, 1, "a dry run warns too")
}

// A spreadsheet removes the zeros at the beginning of an id of digits: a pair of both is named by its line, in a list
// and beside what the event has, and shorter ids beside those with zeros are counted. A list of one kind alone is not
// suspicious.
func TestLostZeros(t *testing.T) {
	t.Parallel()
	pair := func(line int64, id, other string) Warning {
		return Warning{
			Code: domain.SuspiciousMemberID, Line: line,
			Text: fmt.Sprintf("the member_id %q is %q but for zeros at the beginning, which a spreadsheet removes, "+
				"and the event has that too: check it before the event starts", id, other),
		}
	}
	short := func(n int, id string, line int) Warning {
		return Warning{
			Code: domain.SuspiciousMemberID,
			Text: fmt.Sprintf("%d member_ids are digits alone and shorter than those that begin with 0, "+
				"such as %q on line %d: a spreadsheet removes the zeros at the beginning of a number; "+
				"check them before the event starts", n, id, line),
		}
	}
	for name, c := range map[string]struct {
		has, list []string
		want      []Warning
	}{
		"both in one list":           {nil, []string{"0357796915", "M1", "357796915"}, []Warning{pair(2, "0357796915", "357796915")}},
		"four zeros":                 {nil, []string{"12", "000012"}, []Warning{pair(2, "12", "000012")}},
		"without its zero, later":    {[]string{"0857252772"}, []string{"857252772"}, []Warning{pair(2, "857252772", "0857252772")}},
		"with its zero, later":       {[]string{"857252772"}, []string{"0857252772"}, []Warning{pair(2, "0857252772", "857252772")}},
		"shorter than those with 0":  {nil, []string{"0357796915", "9999999999", "857252772", "57252772"}, []Warning{short(2, "857252772", 4)}},
		"a pair, and a shorter one":  {nil, []string{"0357796915", "357796915", "57252772"}, []Warning{pair(2, "0357796915", "357796915"), short(2, "357796915", 3)}},
		"of one length":              {nil, []string{"0357796915", "9357796915"}, nil},
		"of any length, none with 0": {nil, []string{"1", "12", "123", "9357796915"}, nil},
		"longer than those with 0":   {nil, []string{"0123", "12345"}, nil},
		"letters":                    {[]string{"M01"}, []string{"0M01", "M1", "01a"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			id := s.Event("default_amount = 1")
			if c.has != nil {
				s.mustImport(id, "member_id\n"+strings.Join(c.has, "\n"))
			}
			result := s.mustImport(id, "member_id\n"+strings.Join(c.list, "\n"))
			require.Equal(t, len(c.list), result.Accepted)
			require.Equal(t, c.want, result.Warnings)
		})
	}
}

// What a list shows of lost characters is told beside what it shows of single rows (breaker2 C6).
func TestImportOfGarbledText(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	result := s.mustImport(s.Event("default_amount = 1"), "member_id,reason\nM1,봄\nM2,±×·ì\nÇÑ±Û1,봄\nM3,???\nM4,±×·ì\n")
	require.Equal(t, []Warning{
		{Code: domain.SuspiciousMemberID, Line: 4, Text: `the member_id "ÇÑ±Û1" looks like "한글1", read in another encoding: check it before the event starts`},
		{Code: memberlist.SuspiciousReason, Line: 3, Text: `the reason "±×·ì" looks like "그룹", read in another encoding (3 rows like that): check it before the event starts, or import the list again as UTF-8`},
	}, result.Warnings)
}

// The answer of an import has the warning, and a dry run too.
func TestB14EncodingOfImport(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	for _, dry := range []bool{true, false} {
		result, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"},
			s.Event(), Upload{
				DryRun: dry, ContentType: "text/csv",
				Body: strings.NewReader("member_id,amount\nm1,5\n\xc5sa,5\n"),
			}) // Åsa in Windows-1252
		require.NoError(t, err)
		require.EqualValues(t, 2, result.Value.Accepted)
		require.Len(t, result.Value.Warnings, 1)
		require.Equal(t, memberlist.EncodingGuessed, result.Value.Warnings[0].Code)
		require.EqualValues(t, 3, result.Value.Warnings[0].Line)
	}
	// Japanese, in Shift JIS
	const names = "\x8d\xb2\x93\xa1\x88\xea\x98Y,5\n\x93c\x92\x86\x89\xd4\x8eq,5\n\x8d\x82\x8b\xb4\x8c\x92\x91\xbe,5\n\x88\xc9\x93\xa1\x94\xfc\x8d\xe7,5\n"
	_, err := s.importCSV(s.Event(), "member_id,amount\nm1,5\n"+names)
	require.ErrorIs(t, err, &domain.Error{Code: domain.UnsupportedFile})
	require.Zero(t, s.Int(`SELECT count(*) FROM imports WHERE list_sum IS NULL`))
	require.Zero(t,
		s.Int(`SELECT count(*) FROM point_targets t JOIN campaign_events e ON e.id = t.event_id WHERE e.total_count = 0`))
}
