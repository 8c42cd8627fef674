package memberlist

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// readWhole reads a list and returns the members that are accepted, the warnings and what refuses the whole.
func readWhole(contentType, file string) (members []string, warnings []Notice, err error) {
	return readEach(contentType, file, func(r *Row) string { return string(r.Member) })
}

// readReasons is readWhole, of the reasons.
func readReasons(contentType, file string) (reasons []string, warnings []Notice, err error) {
	return readEach(contentType, file, func(r *Row) string { return string(r.Reason) })
}

func readEach(contentType, file string, field func(*Row) string) (fields []string, warnings []Notice, err error) {
	rows, err := Open(contentType, strings.NewReader(file), 7, anyAmount)
	if err != nil {
		return nil, nil, err
	}
	for r := (Row{}); ; {
		if err := rows.Next(&r); errors.Is(err, io.EOF) {
			return fields, rows.Notices(), nil
		} else if err != nil {
			return fields, nil, err
		}
		if r.Code == "" {
			fields = append(fields, field(&r))
		}
	}
}

func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	require.NoError(t, err)
	return out
}

const (
	japaneseRows = "佐藤一郎,5\n田中花子,5\n高橋健太,5\n伊藤美咲,5\n"
	kanaRows     = "さとうはなこ,5\nタナカケンタ,5\n"
	chineseRows  = "王小明,5\n李建国,5\n张丽华,5\n陈志强,5\n"
	// johabRows is "김철수,5\n이영희,5\n박지은,5\n" in Johab.
	johabRows  = "\x8b\xb1\xc0\xe9\xae\x81,5\n\xb7\xa1\xb5w\xd3\x81,5\n\xa4b\xbb\xa1\xb7e,5\n"
	koreanRows = "김철수,5\n이영희,5\n박지은,5\n"
)

// A list that is neither UTF-8 nor Korean in CP949 is refused, or its answer says that the encoding is a guess: its ids
// must not become other ids without a word (B14).
func TestB14Encodings(t *testing.T) {
	t.Parallel()
	const header = "member_id,amount\n"
	for name, c := range map[string]struct {
		file string
		want domain.Code // of the error or the warning; "" for none
	}{
		"Shift_JIS":                       {header + encoded(t, japanese.ShiftJIS, japaneseRows), "unsupported_file"},
		"Shift_JIS, kana":                 {header + encoded(t, japanese.ShiftJIS, kanaRows), "unsupported_file"},
		"Shift_JIS with such a header":    {encoded(t, japanese.ShiftJIS, "会員番号,金額,事由\n"+japaneseRows), "unsupported_file"},
		"EUC-JP":                          {header + encoded(t, japanese.EUCJP, japaneseRows), EncodingGuessed},
		"EUC-JP, kana":                    {header + encoded(t, japanese.EUCJP, kanaRows), EncodingGuessed},
		"EUC-JP with such a header":       {encoded(t, japanese.EUCJP, "会員番号,金額,事由\n"+japaneseRows), "unsupported_file"},
		"GBK":                             {header + encoded(t, simplifiedchinese.GBK, chineseRows), EncodingGuessed},
		"GBK with such a header":          {encoded(t, simplifiedchinese.GBK, "会员号,金额,原因\n"+chineseRows), "unsupported_file"},
		"GBK behind much ASCII":           {header + strings.Repeat("m,5\n", lookAhead/2) + encoded(t, simplifiedchinese.GBK, chineseRows), EncodingGuessed},
		"Big5":                            {header + encoded(t, traditionalchinese.Big5, "王小明,5\n李建國,5\n張麗華,5\n陳志強,5\n"), EncodingGuessed},
		"Johab":                           {header + johabRows, EncodingGuessed},
		"Windows-1251":                    {header + encoded(t, charmap.Windows1251, "Иванов,5\nПетров,5\n"), EncodingGuessed},
		"Windows-1252":                    {header + encoded(t, charmap.Windows1252, "Åsa,5\n"), EncodingGuessed},
		"Latin-1":                         {header + encoded(t, charmap.ISO8859_1, "Åsa,5\nÄrla,5\nÅke,5\nÅsne,5\nÂrpi,5\nÄxel,5\n"), EncodingGuessed},
		"two characters of GBK":           {header + encoded(t, simplifiedchinese.GBK, "王明,5\n"), EncodingGuessed},
		"a sign only":                     {header + encoded(t, korean.EUCKR, "m①,5\n"), ""},
		"one word of Korean":              {header + encoded(t, korean.EUCKR, "회원1,5\n"), ""},
		"EUC-JP in CP949's own syllables": {header + encoded(t, japanese.EUCJP, "佐藤,5\n山本,5\n加藤,5\n安田,5\n"), EncodingGuessed},
		"UTF-8 of two bytes":              {header + "José,5\nAndré,5\nLópez,5\nMüller,5\nИванов,5\n", ""},
		"UTF-8, and a broken row":         {header + koreanRows + "\xb1,5\n", ""},
		"UTF-8 of two bytes, broken":      {header + "José,5\nAndré,5\nLópez,5\nMüller,5\n\xb1,5\n", ""},
		"UTF-8 as well":                   {header + encoded(t, korean.EUCKR, "치킨,5\n"), EncodingGuessed},
		"Korean":                          {header + encoded(t, korean.EUCKR, koreanRows), ""},
		"Korean with such a header":       {encoded(t, korean.EUCKR, "회원번호,금액\n회원1,5\n뷁1,5\n"), ""},
		"Korean, and a row of Japanese":   {header + encoded(t, korean.EUCKR, koreanRows) + encoded(t, japanese.EUCJP, "田中,5\n"), ""},
		"foreign beyond the sample":       {header + encoded(t, korean.EUCKR, "김,5\n") + strings.Repeat("m,5\n", lookAhead) + encoded(t, japanese.EUCJP, japaneseRows), EncodingGuessed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, warnings, err := readWhole("text/csv", c.file)
			switch c.want {
			case "":
				require.NoError(t, err)
				require.Empty(t, warnings)
			case EncodingGuessed:
				require.NoError(t, err)
				require.Len(t, warnings, 1)
				require.Equal(t, c.want, warnings[0].Code)
			default:
				require.ErrorIs(t, err, &domain.Error{Code: c.want})
				require.ErrorContains(t, err, "Shift_JIS, EUC-JP, GBK")
			}
		})
	}
}

// The charset of the content type counts. A list is refused if it cannot be read in that, or is certainly not in it.
func TestB14Charset(t *testing.T) {
	t.Parallel()
	const header = "member_id,amount\n"
	euckr := func(s string) string { return encoded(t, korean.EUCKR, s) }
	for name, c := range map[string]struct {
		contentType, file string
		members           []string
		refused           string
	}{
		"UTF-8":                         {"text/csv; charset=utf-8", header + koreanRows, []string{"김철수", "이영희", "박지은"}, ""},
		"UTF-8 in capitals, quoted":     {`Text/CSV; Charset="UTF-8"`, header + koreanRows, []string{"김철수", "이영희", "박지은"}, ""},
		"US-ASCII":                      {"text/csv; charset=us-ascii", header + "m1,5\n", []string{"m1"}, ""},
		"EUC-KR":                        {"text/csv; charset=EUC-KR", euckr(header + koreanRows), []string{"김철수", "이영희", "박지은"}, ""},
		"CP949 that is hardly Korean":   {"text/csv; charset=cp949", euckr(header + "뷁뷁뷁,5\n뷟뷟뷟,5\n"), []string{"뷁뷁뷁", "뷟뷟뷟"}, ""},
		"windows-949, one letter":       {"text/csv; charset=windows-949", euckr(header + "뷁,5\n"), []string{"뷁"}, ""},
		"ks_c_5601-1987":                {"text/csv; charset=ks_c_5601-1987", euckr(header + "한,5\n"), []string{"한"}, ""},
		"CP949 and a byte order mark":   {"text/csv; charset=cp949", utf8BOM + header + "한,5\n", []string{"한"}, ""},
		"UTF-8 is said, one row is not": {"text/csv; charset=utf-8", header + "m1,5\n" + euckr("한") + ",5\n", []string{"m1"}, ""},
		"UTF-8 is said of CP949":        {"text/csv; charset=utf-8", euckr(header + koreanRows), nil, "is UTF-8, but it is CP949"},
		"UTF-8, of a Korean header":     {"text/csv; charset=utf-8", euckr("회원번호,금액\nm1,5\n"), nil, "is UTF-8, but it is CP949"},
		"CP949 is said of UTF-8":        {"text/csv; charset=cp949", header + koreanRows, nil, "is CP949, but it is UTF-8"},
		"Shift_JIS":                     {"text/csv; charset=Shift_JIS", header + "m1,5\n", nil, `"Shift_JIS"`},
		"ISO-8859-1":                    {"text/csv; charset=iso-8859-1", header + "m1,5\n", nil, `"iso-8859-1"`},
		"johab":                         {"text/csv; charset=johab", header + "m1,5\n", nil, `"johab"`},
		"UTF-16":                        {"text/csv; charset=utf-16", header + "m1,5\n", nil, `"utf-16"`},
		"a charset that does not exist": {"text/csv; charset=x", header + "m1,5\n", nil, `"x"`},
		"NDJSON in UTF-8":               {"application/x-ndjson; charset=utf-8", `{"member_id":"한"}`, []string{"한"}, ""},
		"NDJSON in CP949":               {"application/x-ndjson; charset=euc-kr", `{"member_id":"m"}`, nil, `"euc-kr"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			members, warnings, err := readWhole(c.contentType, c.file)
			if c.refused != "" {
				require.ErrorIs(t, err, &domain.Error{Code: domain.UnsupportedFile})
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.members, members)
			require.Empty(t, warnings, "the sender says what it is")
		})
	}
}

// koreanReasons holds what Korean campaigns call themselves, with words that look like another encoding.
const koreanReasons = "치킨,캐치,출석체크,출석체크 이벤트,캐시백,카카오,룰렛,꽃다발,룰렛 뽑기,깜짝 뽑기,빼빼로,떡볶이,꽝,꿀팁,펫,앱 푸쉬,초콜릿,웹툰,땡큐,톡톡,핫딜,번쩍 " +
	"딜,깜짝,빵,꽃,닭,찜닭,샵,쓱,깜짝 쿠폰,댓글,리뷰,첫구매,멤버십,웰컴,팝업,앱 푸시,햄버거,떡국,반짝,출첵,펀딩,가,힣,한가위★세일,똠얌꿍 뷔페 할인"

// What Korean campaigns call themselves is read as it is, whatever its bytes look like: one reason stands in all rows,
// as Excel of Korea saves it. None of these lists is refused, and with a Korean header none is warned of.
func TestB14KoreanIsReadAsItIs(t *testing.T) {
	t.Parallel()
	for _, word := range strings.Split(koreanReasons, ",") {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			for header, warned := range map[string]bool{
				"member_id,amount,reason": true, "회원번호,금액,사유": false,
				"*회원번호,금액,사유(선택)": false,
			} {
				file := encoded(t, korean.EUCKR, header+strings.Repeat("\nM1,5,"+word, 50))
				for _, contentType := range []string{"text/csv", "text/csv; charset=euc-kr"} {
					reasons, warnings, err := readReasons(contentType, file)
					require.NoError(t, err)
					require.Equal(t, []string{word}, slices.Compact(reasons))
					if !warned || contentType != "text/csv" {
						require.Empty(t, warnings)
					}
				}
			}
		})
	}
}
