package memberlist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

const (
	typeCSV    = "text/csv"
	typeNDJSON = "application/x-ndjson"
)

// anyAmount is the check of a type without limits.
func anyAmount(int64) string { return "" }

// readAll reads a whole list, each row as "line member amount reason" or "line code".
func readAll(contentType string, body io.Reader,
	defaultAmount int64,
) (rows []string, raws map[int64]string, err error) {
	reader, err := Open(contentType, body, defaultAmount, anyAmount)
	if err != nil {
		return nil, nil, err
	}
	raws = map[int64]string{}
	for r := (Row{}); ; {
		err := reader.Next(&r)
		if errors.Is(err, io.EOF) {
			return rows, raws, nil
		}
		if err != nil {
			return rows, raws, err
		}
		raws[r.Line] = string(r.Raw)
		if r.Code != "" {
			rows = append(rows, fmt.Sprintf("%d %s", r.Line, r.Code))
			continue
		}
		rows = append(rows, strings.TrimSpace(fmt.Sprintf("%d %s %d %s", r.Line, r.Member, r.Amount, r.Reason)))
	}
}

func inCP949(t *testing.T, s string) string {
	t.Helper()
	encoded, err := korean.EUCKR.NewEncoder().String(s)
	require.NoError(t, err)
	return encoded
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("가", 500)
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"plain":                      {"member_id,amount,reason\nM1,10,hello\nM2,20,\n", []string{"2 M1 10 hello", "3 M2 20"}},
		"no line end at the end":     {"member_id,amount\nM1,10", []string{"2 M1 10"}},
		"byte order mark":            {utf8BOM + "member_id,amount\nM1,10\n", []string{"2 M1 10"}},
		"CRLF":                       {"member_id,amount,reason\r\nM1,10,a\r\nM2,20,b\r\n", []string{"2 M1 10 a", "3 M2 20 b"}},
		"blank lines":                {"member_id,amount\nM1,10\n\n \nM2,20\r\n\r\n\n\n", []string{"2 M1 10", "5 M2 20"}},
		"one column":                 {"member_id\nM1\n\n\"\"\nM2\n", []string{"2 M1 7", "5 M2 7"}},
		"semicolon":                  {"member_id;amount;reason\nM1;10;a,b\n", []string{"2 M1 10 a,b"}},
		"TAB":                        {"member_id\tamount\treason\nM1\t10\ta,b;c\n\t\t\n", []string{"2 M1 10 a,b;c"}},
		"columns in another order":   {"reason,member_id,amount\nx,M1,10\n", []string{"2 M1 10 x"}},
		"columns in upper case":      {"MEMBER_ID,Amount\nM1,10\n", []string{"2 M1 10"}},
		"Korean columns":             {"회원번호,금액,사유\nM1,10,봄\n", []string{"2 M1 10 봄"}},
		"Korean columns from a Mac":  {"회원번호,금액\nM1,10\n", []string{"2 M1 10"}},
		"quoted names":               {"\"member_id\", \"amount\"\nM1,10\n", []string{"2 M1 10"}},
		"names with marks":           {"*회원번호(필수), 금액 (필수 입력)*,사유[선택]\nM1,10,봄\n", []string{"2 M1 10 봄"}},
		"names with wide marks":      {"※회원번호（필수）,＊금액：,사유 *\nM1,10,봄\n", []string{"2 M1 10 봄"}},
		"English names with marks":   {"Member_ID (required),Amount*,reason <optional>\nM1,10,a\n", []string{"2 M1 10 a"}},
		"marked names again":         {"회원번호(필수),금액*\nM1,10\n회원번호(필수),금액*\n회원번호,금액\n", []string{"2 M1 10", "3 bad_member_id", "4 bad_member_id"}},
		"default amount":             {"member_id,amount\nM1,\nM2, \nM3,5\n", []string{"2 M1 7", "3 M2 7", "4 M3 5"}},
		"quoted delimiter and quote": {"member_id,amount,reason\nM1,10,\"a,\"\"b\"\"\"\n", []string{`2 M1 10 a,"b"`}},
		"quoted line break":          {"member_id,amount,reason\nM1,10,\"a\r\nb\"\nM2,20,c\n", []string{"2 bad_reason", "4 M2 20 c"}},
		"blanks around quotes":       {"member_id,amount,reason\n \"M1\" , \"10\", \"a\n\nb\" \nM2,1,\n", []string{"2 bad_reason", "5 M2 1"}},
		"line separators at ends":    {"member_id,amount,reason\nM1\u2028,5,a\nM2,5\u0085,a\nM3,5,a\u2029\n", []string{"2 bad_member_id", "3 bad_amount", "4 bad_reason"}},
		"blanks trimmed":             {"member_id,amount,reason\n  M1\u3000,\u00a010 ,\t a \n", []string{"2 M1 10 a"}},
		"leading zeros":              {"member_id,amount\n0012,10\n", []string{"2 0012 10"}},
		"case counts":                {"member_id,amount\nm1,10\nM1,10\n", []string{"2 m1 10", "3 M1 10"}},
		"NFC":                        {"member_id,amount\n\u1100\u1161,10\n", []string{"2 가 10"}},
		"formula":                    {"member_id,amount,reason\nM1,10,\"=HYPERLINK(\"\"http://x\"\")\"\n", []string{`2 M1 10 =HYPERLINK("http://x")`}},
		"E-notation":                 {"member_id,amount\n1.23457E+11,10\n8E+10,1\n", []string{"2 bad_member_id", "3 bad_member_id"}},
		"control characters":         {"member_id,amount,reason\nM\x00,10,\nM1,10,a\x00\nM2,10,a\x1b[1m\nM3,10,\u202Ex\n", []string{"2 bad_member_id", "3 bad_reason", "4 bad_reason", "5 bad_reason"}},
		"member too long":            {"member_id,amount\n" + strings.Repeat("가", 51) + ",1\n" + long[:150] + ",1\n", []string{"2 bad_member_id", "3 " + long[:150] + " 1"}},
		"reason too long":            {"member_id,amount,reason\nM1,1," + long + "가\nM2,1," + long + "\n", []string{"2 bad_reason", "3 M2 1 " + long}},
		"amounts":                    {"member_id,amount\nA,\"1,000\"\nB,1000원\nC,1e3\nD,10.5\nE,0\nF,-1\nG,9223372036854775808\nH,+1\nI,１\nJ,1000000000000000\nK,1000000000000001\n", []string{"2 bad_amount", "3 bad_amount", "4 bad_amount", "5 bad_amount", "6 bad_amount", "7 bad_amount", "8 bad_amount", "9 bad_amount", "10 bad_amount", "11 J 1000000000000000", "12 bad_amount"}},
		"field count":                {"member_id,amount,reason\nM1,10\nM2,10,a,b\nM3,10,c\n,,\n", []string{"2 bad_row", "3 bad_row", "4 M3 10 c"}},
		"quotes where none may be":   {"member_id,amount,reason\nM1,10,a\"b\nM2,10,\"a\"b\nM3,10,\"a\" \nM4,1,\n", []string{"2 bad_row", "3 bad_row", "4 M3 10 a", "5 M4 1"}},
		"one broken row in UTF-8":    {"member_id,amount,reason\nM1,10,\xff\nM2,10,봄맞이\nM3,10,\xc0\xcc\nM4,1,감사\n", []string{"2 bad_text", "3 M2 10 봄맞이", "4 bad_text", "5 M4 1 감사"}},
		"only a broken row":          {"member_id,amount,reason\nM1,10,\xff\nM2,10,a\n", []string{"2 bad_text", "3 M2 10 a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _, err := readAll(typeCSV, strings.NewReader(test.file), 7)
			require.NoError(t, err)
			require.Equal(t, test.want, rows)
			rows, _, err = readAll(typeCSV, iotest.OneByteReader(strings.NewReader(test.file)), 7)
			require.NoError(t, err, "byte by byte")
			require.Equal(t, test.want, rows, "byte by byte")
		})
	}
}

// A file as Korean Excel saves it is read, whether its first Korean word stands in the header or far behind.
func TestReadCP949(t *testing.T) {
	t.Parallel()
	plain := strings.Repeat("M,1,\r\n", 20)
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"in the header":  {"회원번호,금액,사유\r\nM1,10,봄맞이 포인트\r\n", []string{"2 M1 10 봄맞이 포인트"}},
		"in a row":       {"member_id,amount,reason\r\nM1,10,뷁\r\n", []string{"2 M1 10 뷁"}},
		"in a member id": {"member_id,amount\r\n회원1,10\r\n", []string{"2 회원1 10"}},
		"late":           {"member_id,amount,reason\r\n" + plain + "M1,10,똠방각하\r\n", []string{"22 M1 10 똠방각하"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, raws, err := readAll(typeCSV, strings.NewReader(inCP949(t, test.file)), 0)
			require.NoError(t, err)
			require.Equal(t, test.want, rows[len(rows)-1:])
			for _, raw := range raws {
				require.True(t, utf8.ValidString(raw))
			}
		})
	}
	broken := inCP949(t, "회원번호,금액,사유\nM1,10,봄\nM2,10,") + "\xc8\x20\xff\n" + inCP949(t, "M3,10,가을\n")
	rows, raws, err := readAll(typeCSV, strings.NewReader(broken), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"2 M1 10 봄", "3 bad_text", "4 M3 10 가을"}, rows)
	require.Equal(t, "M2,10,\uFFFD \uFFFD", raws[3])
}

func TestReadNDJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"plain":              {`{"member_id":"M1","amount":10,"reason":"봄"}` + "\n" + `{"amount":20,"member_id":"M2"}`, []string{"1 M1 10 봄", "2 M2 20"}},
		"byte order mark":    {utf8BOM + `{"member_id":"M1","amount":10}`, []string{"1 M1 10"}},
		"blank lines, CRLF":  {"{\"member_id\":\"M1\",\"amount\":10}\r\n\r\n \n{\"member_id\":\"M2\"}\n\n", []string{"1 M1 10", "4 M2 7"}},
		"null":               {`{"member_id":"M1","amount":null,"reason":null}` + "\n" + `{"member_id":null}`, []string{"1 M1 7", "2 missing_member"}},
		"escapes":            {`{"member\u005fid":"M\u0031","reason":"a\"b"}`, []string{`1 M1 7 a"b`}},
		"a line break":       {`{"member_id":"M1","reason":"a\nb"}`, []string{"1 bad_reason"}},
		"unknown key":        {`{"member_id":"M1","points":1}` + "\n" + `{"Member_ID":"M1"}`, []string{"1 bad_row", "2 bad_row"}},
		"duplicate key":      {`{"member_id":"M1","member_id":"M2"}` + "\n" + `{"member_id":"M1","member\u005fid":"M2"}`, []string{"1 bad_row", "2 bad_row"}},
		"amounts":            {`{"member_id":"A","amount":"10"}` + "\n" + `{"member_id":"B","amount":1e3}` + "\n" + `{"member_id":"C","amount":1.0}` + "\n" + `{"member_id":"D","amount":-1}` + "\n" + `{"member_id":"E","amount":true}` + "\n" + `{"member_id":"F","amount":[1]}` + "\n" + `{"member_id":"G","amount":9223372036854775808}`, []string{"1 bad_amount", "2 bad_amount", "3 bad_amount", "4 bad_amount", "5 bad_amount", "6 bad_amount", "7 bad_amount"}},
		"wrong types":        {`{"member_id":1}` + "\n" + `{"member_id":"M","reason":1}` + "\n" + `["M1",10]` + "\n" + `"M1"` + "\n" + `null`, []string{"1 bad_member_id", "2 bad_reason", "3 bad_row", "4 bad_row", "5 bad_row"}},
		"trailing data":      {`{"member_id":"M1"} {"member_id":"M2"}` + "\n" + `{"member_id":"M1"},` + "\n" + `{"member_id":"M1"} `, []string{"1 bad_row", "2 bad_row", "3 M1 7"}},
		"no JSON":            {"M1,10\n{\n{\"member_id\"\n{}\n", []string{"1 bad_row", "2 bad_row", "3 bad_row", "4 missing_member"}},
		"NUL and bad text":   {`{"member_id":"M\u0000"}` + "\n{\"member_id\":\"M\xff\"}\n" + `{"member_id":"\ud800"}`, []string{"1 bad_member_id", "2 bad_text", "3 bad_row"}},
		"the same after bad": {`{"member_id":"M1","amount":1,"reason":"x"}` + "\n" + `{"member_id":"M2"}`, []string{"1 M1 1 x", "2 M2 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _, err := readAll(typeNDJSON, strings.NewReader(test.file), 7)
			require.NoError(t, err)
			require.Equal(t, test.want, rows)
		})
	}
}

// What is no member list at all is refused as a whole, and the message names what to mend.
func TestReadRefusesFile(t *testing.T) {
	t.Parallel()
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("member_id,amount\nM1,10\n")
	require.NoError(t, err)
	bare, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String("회원번호,금액\nM1,10\n")
	require.NoError(t, err)
	kib64 := strings.Repeat("x", maxRecord)
	for name, test := range map[string]struct {
		contentType, file string
		code              domain.Code
		names             []string
	}{
		"a JSON array":             {typeNDJSON, "\n[\n{\"member_id\":\"a\"},\n{\"member_id\":\"b\"}\n]\n", domain.BadFile, []string{"a JSON array, not one object on each line"}},
		"a JSON array on one line": {typeNDJSON, `[{"member_id":"a"}]`, domain.BadFile, []string{"a JSON array"}},
		"empty":                    {typeCSV, "", domain.BadFile, []string{"empty"}},
		"unknown column":           {typeCSV, "member_id,amount,point,memo\nM1,1,2,3\n", domain.BadFile, []string{`unknown column "point"`, `unknown column "memo"`}},
		"a unit in the header":     {typeCSV, "회원번호,금액(천원)\nM1,1\n", domain.BadFile, []string{`unknown column "금액(천원)"`, "without the note in brackets"}},
		"a note in the header":     {typeCSV, "member_id [digits only],amount\nM1,1\n", domain.BadFile, []string{"without the note in brackets"}},
		"a mark of another name":   {typeCSV, "member(required),member_id\nM1,M2\n", domain.BadFile, []string{`unknown column "member(required)"`}},
		"the column twice, marked": {typeCSV, "member_id,member_id*\nM1,M2\n", domain.BadFile, []string{`duplicate column "member_id*"`}},
		"no header":                {typeCSV, "M1,1\n", domain.BadFile, []string{`unknown column "M1"`, `missing column "member_id"`}},
		"missing column":           {typeCSV, "amount,reason\n1,2\n", domain.BadFile, []string{`missing column "member_id"`}},
		"duplicate column":         {typeCSV, "member_id,amount,금액\n", domain.BadFile, []string{`duplicate column "금액"`}},
		"column without a name":    {typeCSV, "member_id,amount,\n", domain.BadFile, []string{"column 3 has no name"}},
		"many unknown columns":     {typeCSV, "member_id" + strings.Repeat(",a", 100), domain.BadFile, []string{"and 90 more"}},
		"blank header":             {typeCSV, "\nmember_id\n", domain.BadFile, []string{"no name"}},
		"quote open in the header": {typeCSV, "member_id,\"amount\nM1,1\n", domain.BadFile, []string{"not closed"}},
		"header that is no text":   {typeCSV, "member_id,\xff\xff\xff\n", domain.BadFile, []string{"header"}},
		"CR alone":                 {typeCSV, "member_id,amount\rM1,10\r", domain.BadFile, []string{"CR"}},
		"UTF-16":                   {typeCSV, utf16, domain.UnsupportedFile, []string{"UTF-16"}},
		"UTF-16 without a mark":    {typeCSV, bare, domain.UnsupportedFile, []string{"UTF-16"}},
		"UTF-16 NDJSON":            {typeNDJSON, utf16, domain.UnsupportedFile, []string{"UTF-16"}},
		"xlsx":                     {typeCSV, "PK\x03\x04\x14\x00", domain.UnsupportedFile, []string{"xlsx"}},
		"xls":                      {typeCSV, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", domain.UnsupportedFile, []string{"xls"}},
		"gzip":                     {typeCSV, "\x1F\x8B\x08\x00", domain.UnsupportedFile, []string{"gzip"}},
		"another content type":     {"application/json", "{}", domain.UnsupportedFile, []string{"application/json"}},
		"no content type":          {"", "member_id\n", domain.UnsupportedFile, nil},
		"long header":              {typeCSV, "member_id," + kib64, domain.BadFile, []string{"line 1 is longer"}},
		"long line":                {typeCSV, "member_id\nM1\n" + kib64 + "x\nM2\n", domain.BadFile, []string{"line 3 is longer"}},
		"long NDJSON line":         {typeNDJSON, "{}\n" + kib64 + "x\n{}\n", domain.BadFile, []string{"line 2 is longer"}},
		"quote open at the end":    {typeCSV, "member_id,amount\nM1,1\nM2,\"1\nM3,1\n", domain.BadFile, []string{"line 3 opens a quote"}},
		"quote open for long":      {typeCSV, "member_id,amount\nM1,1\nM2,\"1\n" + strings.Repeat("M3,1\n", maxRecord), domain.BadFile, []string{"line 3 opens a quote", "64 KiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readAll(test.contentType, strings.NewReader(test.file), 7)
			require.ErrorIs(t, err, &domain.Error{Code: test.code})
			for _, part := range test.names {
				require.ErrorContains(t, err, part)
			}
			refused, ok := errors.AsType[*domain.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, refused.Hint)
		})
	}
}

// A quote that takes in the lines behind it is one rejected row, whose reason names the lines (B15).
func TestReadNamesLinesThatAQuoteTakes(t *testing.T) {
	t.Parallel()
	reader, err := Open(typeCSV,
		strings.NewReader("member_id,amount,reason\n1001,5,\"oops\n1002,5,x\n1003,5,x\"y\n1004,5,x\n"), 0, anyAmount)
	require.NoError(t, err)
	var r Row
	require.NoError(t, reader.Next(&r))
	require.Equal(t, domain.BadRow, r.Code)
	require.Contains(t, r.Why, "the row goes to line 4 because of a quote, and no line of it was imported")
	require.NoError(t, reader.Next(&r))
	require.Equal(t, "1004", string(r.Member))
}

// A record of exactly 64 KiB is read, over whatever number of lines.
func TestReadLongestRecord(t *testing.T) {
	t.Parallel()
	quoted := `M1,1,"` + strings.Repeat("\n", maxRecord-len(`M1,1,""`)) + `"`
	rows, raws, err := readAll(typeCSV, strings.NewReader("member_id,amount,reason\n"+quoted+"\r\nM2,1,a\n"), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"2 M1 1", fmt.Sprintf("%d M2 1 a", 2+strings.Count(quoted, "\n")+1)}, rows)
	require.Equal(t, quoted, raws[2])
}

// An unclosed quote is found without reading the whole of a file that never closes it.
func TestReadStopsAtOpenQuote(t *testing.T) {
	t.Parallel()
	endless := &counting{r: io.MultiReader(strings.NewReader("member_id,amount\nM1,\"1\n"), endlessly("M2,1\n"))}
	_, _, err := readAll(typeCSV, endless, 0)
	require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile})
	require.LessOrEqual(t, endless.n, 4*lookAhead)
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type endlessly string

func (e endlessly) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// What the client sent before it went away is not taken for the whole.
func TestReadBrokenBody(t *testing.T) {
	t.Parallel()
	body := io.MultiReader(strings.NewReader("member_id,amount\nM1,10\nM2,2"), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, _, err := readAll(typeCSV, body, 0)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// The numbers and lines of the two sample files.
func TestReadSamples(t *testing.T) {
	t.Parallel()
	var want struct {
		Rejected int `json:"rejected"`
	}
	raw, err := os.ReadFile("../testdata/spring-excel-cp949.expected.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &want))
	file, err := os.ReadFile("../testdata/spring-excel-cp949.csv")
	require.NoError(t, err)
	rows, _, err := readAll(typeCSV, bytes.NewReader(file), 0)
	require.NoError(t, err)
	require.Len(t, rows, 2000)
	var bad []string
	for _, r := range rows {
		if len(strings.Fields(r)) == 2 {
			bad = append(bad, r)
		}
	}
	require.Len(t, bad, want.Rejected-1, "all but the duplicate, which reading alone does not see")
	require.Equal(t, []string{
		"42 bad_member_id", "79 missing_member", "103 bad_amount", "152 bad_amount",
		"153 bad_amount", "154 bad_amount",
		"302 bad_amount", "303 bad_amount", "452 bad_member_id", "902 bad_reason",
	}, bad)
}

// Whatever the fields, a CSV file as encoding/csv or Excel writes it comes back as it was.
func TestReadCSVRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reasons := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("ab ,;\t\"\n가"))), 1, 20).Draw(t, "reasons")
		delim := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "delimiter")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		var file bytes.Buffer
		file.WriteString(strings.Join([]string{"member_id", "amount", "reason"}, delim) + end)
		var want []string
		line := 2
		for i, reason := range reasons {
			fmt.Fprintf(&file, "M%d%s1%s\"%s\"%s", i, delim, delim, strings.ReplaceAll(reason, `"`, `""`), end)
			outcome := strings.TrimSpace(fmt.Sprintf("%d M%d 1 %s", line, i, strings.TrimSpace(reason)))
			if strings.ContainsAny(strings.TrimSpace(reason), "\t\n") {
				outcome = fmt.Sprintf("%d bad_reason", line)
			}
			want = append(want, outcome)
			line += 1 + strings.Count(reason, "\n")
		}
		rows, _, err := readAll(typeCSV, iotest.HalfReader(&file), 0)
		require.NoError(t, err)
		require.Equal(t, want, rows)
	})
}
