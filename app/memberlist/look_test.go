package memberlist

import (
	"fmt"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

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
		rows, _, err := readAll(typeNDJSON,
			strings.NewReader(fmt.Sprintf(`{"member_id": "%s", "reason": "%s"}`, c.member, c.reason)), 7)
		require.NoError(t, err)
		require.Equal(t, []string{c.want}, rows, "%s, %s", c.member, c.reason)
	}
}

// B15: the end mark of DOS behind the last line is no row; elsewhere it is refused. Line ends that were converted twice
// are named as what they are.
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

// A spreadsheet keeps 15 digits of a number and writes zeros for the others: a list of such ids is told, one that ends
// in zeros by chance is not (breaker2 C6).
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
			var look Look
			for i, id := range c.ids {
				look.Add(int64(i)+2, []byte(id), nil)
			}
			notices := look.Notices(nil)
			if c.cut == "" {
				require.Empty(t, notices)
				return
			}
			require.Len(t, notices, 1)
			require.Equal(t, domain.SuspiciousMemberID, notices[0].Code)
			require.Contains(t, notices[0].Text,
				c.cut+" member_ids of more than 15 digits have zeros from digit 16 on, such as")
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
}
