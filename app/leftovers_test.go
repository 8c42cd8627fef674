package app

import (
	"fmt"
	"os"
	"strings"
	"testing"

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
	id := s.event()
	result := s.mustImport(id, string(file))
	require.Equal(t, ImportResult{EventID: id, ImportID: result.ImportID, Accepted: 3, Rejected: 6, TotalAmount: 70, Unit: "P"}, result)
	rejected := s.rejected(id, result.ImportID)
	require.Equal(t, []string{"3 bad_member_id", "4 bad_member_id", "5 bad_member_id", "7 bad_member_id", "8 bad_member_id", "9 bad_member_id"}, lines(rejected))
	for i, character := range []string{"U+200B as character 5", "U+FEFF as character 1", "U+00AD as character 3", "U+200D as character 3", "U+2028 as character 3", "U+3164 as character 1"} {
		require.Contains(t, rejected[i].Reason, character)
	}
}

// C2: what a spreadsheet leaves in a list is rejected, or accepted with a warning; rows of delimiters are no rows.
func TestC2Leftovers(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/c2-leftovers.csv")
	require.NoError(t, err)
	s := setupImport(t)
	id := s.event()
	result := s.mustImport(id, string(file))
	require.Equal(t, ImportResult{EventID: id, ImportID: result.ImportID, Accepted: 4, Rejected: 7, TotalAmount: 7000, Unit: "P", Warnings: []Warning{
		{Code: domain.SuspiciousMemberID, Line: 11, Text: `the member_id "합계" looks like a sum row: check it before the event starts`},
		{Code: domain.SuspiciousMemberID, Line: 12, Text: `the member_id "NULL" looks like an empty value: check it before the event starts`},
	}}, result)
	require.Equal(t, []string{"3 bad_member_id", "4 bad_member_id", "5 bad_member_id", "6 bad_member_id", "7 bad_member_id", "8 bad_member_id", "9 bad_member_id"},
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
	for _, blank := range []string{",", ",,", ",,,,,,", ";;", "\t\t", " , ", "\"\",\"\"", "\"\"", "\" \", ", "\u3000,\u00a0", "\v", " "} {
		result, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, s.event(),
			Upload{Body: strings.NewReader("member_id,amount\nM1,1\n" + blank + "\nM2,2\r\n" + blank + "\r\n"), ContentType: typeCSV, OnReject: Abort})
		require.NoError(t, err, "%q", blank)
		require.Equal(t, 2, result.Accepted, "%q", blank)
	}
	_, err := s.importCSV(s.event(), "member_id,amount\n,\n,\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile}, "a list of nothing but blank rows has no rows")
	_, err = s.importCSV(s.event(), "member_id,amount\n,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected}, "an amount is not blank")
}

// C2: the header again is no member, as two files that were put together have it, whatever its order and its form.
func TestC2HeaderAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ header, again string }{
		{"member_id,amount", "member_id,amount"},
		{"member_id,amount", "회원번호,금액"},
		{"회원번호,금액", "member_id,amount"},
		{"member_id,amount", "MEMBER_ID,Amount"},
		{"member_id,amount", "amount,member_id"},
		{"member_id,amount", "회원번호,금액"},
		{"member_id,amount", `"member_id","amount"`},
		{"member_id,amount", utf8BOM + "member_id,amount"},
		{"member_id,amount", "member_id,amount,reason"},
		{"member_id;amount", "회원번호;금액"},
		{"member_id,reason", "reason,member_id"},
		{"member_id,reason", "member_id,봄맞이"},
		{"member_id", "member_id"},
		{"member_id", utf8BOM + "회원번호"},
		{"member_id", "회원 번호"},
	} {
		rows, _, err := readAll(typeCSV, strings.NewReader(test.header+"\n"+test.again+"\n"), 7)
		require.NoError(t, err)
		require.Equal(t, []string{"2 bad_member_id"}, rows, "%q", test.again)
	}
}

// NDJSON has the same rule for members and reasons.
func TestNDJSONHasTheSameRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ member, reason, want string }{
		{"M1", "", "1 M1 7"},
		{"합계", "", "1 합계 7"},
		{"M1\\u200b", "", "1 bad_member_id"},
		{"member_id", "", "1 bad_member_id"},
		{"1001.0", "", "1 bad_member_id"},
		{"8,21E+11", "", "1 bad_member_id"},
		{"#N/A", "", "1 bad_member_id"},
		{"M1", "🏳️‍🌈", "1 M1 7 🏳️‍🌈"},
		{"M1", "e\\u0301", "1 M1 7 é"},
		{"M1", "a\\tb", "1 bad_reason"},
		{"M1", "a\\u200bb", "1 bad_reason"},
	} {
		rows, _, err := readAll(typeNDJSON, strings.NewReader(fmt.Sprintf(`{"member_id": "%s", "reason": "%s"}`, c.member, c.reason)), 7)
		require.NoError(t, err)
		require.Equal(t, []string{c.want}, rows, "%s, %s", c.member, c.reason)
	}
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
	result := s.mustImport(s.event("default_amount = 1"), file.String())
	require.Len(t, result.Warnings, maxShown+1)
	for i, w := range result.Warnings[:maxShown] {
		require.EqualValues(t, i+2, w.Line)
	}
	require.Equal(t, Warning{Code: domain.SuspiciousMemberID, Text: "30 more rows like that"}, result.Warnings[maxShown])

	dry, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, s.event("default_amount = 1"),
		Upload{Body: strings.NewReader("member_id\nNULL\n"), ContentType: typeCSV, DryRun: true})
	require.NoError(t, err)
	require.Len(t, dry.Warnings, 1, "a dry run warns too")
}

// B15: the end mark of DOS behind the last line is no row; elsewhere it is refused. Line ends that were converted twice are
// named as what they are.
func TestB15EndsOfLinesAndFiles(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"member_id\nM1\n\x1a":         {"2 M1 7"},
		"member_id\r\nM1\r\n\x1a\r\n": {"2 M1 7"},
		"member_id\n\x1a\nM1\n":       {"2 bad_member_id", "3 M1 7"},
	} {
		rows, _, err := readAll(typeCSV, strings.NewReader(list), 7)
		require.NoError(t, err, "%q", list)
		require.Equal(t, want, rows, "%q", list)
	}
	_, _, err := readAll(typeCSV, strings.NewReader("member_id\r\r\nM1\r\r\n"), 7)
	require.ErrorContains(t, err, "CR CR LF")
	_, _, err = readAll(typeCSV, strings.NewReader("member_id\rM1\r"), 7)
	require.ErrorContains(t, err, "CR alone")
}

// A spreadsheet removes the zeros at the beginning of an id of digits: a pair of both is named by its line, in a list and beside
// what the event has, and shorter ids beside those with zeros are counted. A list of one kind alone is not suspicious.
func TestLostZeros(t *testing.T) {
	t.Parallel()
	pair := func(line int64, id, other string) Warning {
		return Warning{Code: domain.SuspiciousMemberID, Line: line, Text: fmt.Sprintf("the member_id %q is %q but for zeros at the "+
			"beginning, which a spreadsheet removes, and the event has that too: check it before the event starts", id, other)}
	}
	short := func(n int, id string, line int) Warning {
		return Warning{Code: domain.SuspiciousMemberID, Text: fmt.Sprintf("%d member_ids are digits alone and shorter than those that begin "+
			"with 0, such as %q on line %d: a spreadsheet removes the zeros at the beginning of a number; check them before the event starts", n, id, line)}
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
			id := s.event("default_amount = 1")
			if c.has != nil {
				s.mustImport(id, "member_id\n"+strings.Join(c.has, "\n"))
			}
			result := s.mustImport(id, "member_id\n"+strings.Join(c.list, "\n"))
			require.Equal(t, len(c.list), result.Accepted)
			require.Equal(t, c.want, result.Warnings)
		})
	}
}

// A spreadsheet keeps 15 digits of a number and writes zeros for the others: a list of such ids is told, one that ends in zeros by
// chance is not (breaker2 C6).
func TestRoundedIDs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ids []string
		cut string // how many of how many, "" for no warning
	}{
		"16 digits":              {[]string{"8212345678901210", "8212345678901220", "8212345678901230"}, "3 of 3"},
		"17 digits":              {[]string{"82123456789012100", "82123456789012200"}, "2 of 2"},
		"one of 18":              {[]string{"M1", "5", "821234567890121000"}, "1 of 1"},
		"of both lengths":        {[]string{"8212345678901210", "82123456789012200"}, "2 of 2"},
		"two by chance":          {[]string{"8212345678901210", "8212345678901220"}, ""},
		"one that is not cut":    {[]string{"8212345678901210", "8212345678901220", "8212345678901230", "8212345678901234"}, ""},
		"15 digits":              {[]string{"821234567890100", "821234567890200", "821234567890300"}, ""},
		"text, since it has a 0": {[]string{"0212345678901000", "0212345678902000"}, ""},
		"letters":                {[]string{"M212345678901000", "M212345678902000"}, ""},
		"amounts of zeros":       {[]string{"100000", "200000"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			result := s.mustImport(s.event("default_amount = 1"), "member_id\n"+strings.Join(c.ids, "\n"))
			require.Equal(t, len(c.ids), result.Accepted)
			if c.cut == "" {
				require.Empty(t, result.Warnings)
				return
			}
			require.Len(t, result.Warnings, 1)
			require.Equal(t, domain.SuspiciousMemberID, result.Warnings[0].Code)
			require.Contains(t, result.Warnings[0].Text, c.cut+" member_ids of more than 15 digits have zeros from digit 16 on, such as")
		})
	}
}

// Text that was read in a wrong encoding before it came is told, in ids and in reasons (breaker2 C6, breaker3 D3).
func TestGarbledText(t *testing.T) {
	t.Parallel()
	const inEast = "looks like Korean in UTF-8 that was read in another encoding"
	for text, want := range map[string]string{
		"ÇÑ±Û1":              `looks like "한글1", read in another encoding`, // CP949 in Latin-1
		"±×·ì":               `looks like "그룹", read in another encoding`,
		"í•œê¸€ 1":           `looks like "한글 1", read in another encoding`, // UTF-8 in Windows-1252
		"Ã©tÃ©":              `looks like "été", read in another encoding`,
		"\u00ea\u00b0\u0080": `looks like "가", read in another encoding`,  // UTF-8 in Latin-1
		"ÌïúÍ∏Ä":             `looks like "한글", read in another encoding`, // UTF-8 in Mac Roman
		"a\uFFFDb":           "has U+FFFD, which stands for a character that was lost",
		"??? 2026":           "has question marks, which stand for characters that were lost",
		"치킨":                 "",
		"移섑궓":                `looks like "치킨", read in another encoding`, // UTF-8 in CP949
		"異쒖꽍泥댄겕 ?씠踰ㅽ듃":       inEast,
		"?룷?씤?듃":             inEast,
		"媛먯궗?빀?땲?떎":          inEast,
		"?깮?씪":               inEast,
		"遊?":                 inEast,
		"%EC%B6%9C%EC%84%9D": `looks like "출석", written in escapes`,
		"=EC=B6=9C 2026":     `looks like "출 2026", written in escapes`,
		"&#52636;&#xc11d;":   `looks like "출석", written in escapes`,
		`\ucd9c\uc11d`:       `looks like "출석", written in escapes`,
		"봄 ?? 쿠폰":            "has question marks, which stand for characters that were lost",
		"정말??":               "",
		"왜? 그냥":              "",
		"50% 할인 A=B R&D":     "",
		"100%25 a%20b":       "",
		"a&#39;b":            "",
		"慶祝":                 "",
		"뷁?":                 "",
		"똠방각하 펲시":            "",
		"what??":             "",
		"?":                  "",
		"한글":                 "",
		"회원 1":               "",
		"été à Ñandú":        "",
		"Ångström":           "",
		"ÄÖÜ":                "",
		"Tomáš":              "",
		"M-1001":             "",
		"日本":                 "",
		"½ £5 ©":             "",
		"봄 쿠폰 ★":             "",
	} {
		require.Equal(t, want, garbled(text), "%s", text)
	}
	for word := range strings.SplitSeq(koreanReasons, ",") {
		require.Empty(t, garbled(word), "%s", word)
	}
	s := setupImport(t)
	result := s.mustImport(s.event("default_amount = 1"), "member_id,reason\nM1,봄\nM2,±×·ì\nÇÑ±Û1,봄\nM3,???\nM4,±×·ì\n")
	require.Equal(t, []Warning{
		{Code: domain.SuspiciousMemberID, Line: 4, Text: `the member_id "ÇÑ±Û1" looks like "한글1", read in another encoding: check it before the event starts`},
		{Code: SuspiciousReason, Line: 3, Text: `the reason "±×·ì" looks like "그룹", read in another encoding (3 rows like that): check it before the event starts, or import the list again as UTF-8`},
	}, result.Warnings)
}
