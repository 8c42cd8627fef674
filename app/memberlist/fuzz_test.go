package memberlist

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// FuzzReadCSV reads any file as CSV.
func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("member_id,amount,reason\nM1,10,\"a\nb\"\n"))
	f.Add([]byte("\xc8\xb8\xbf\xf8\xb9\xf8\xc8\xa3,amount\nM1,10\n"))
	f.Add([]byte("member_id,amount\nM1,10\nM\x00,10\n"))
	f.Fuzz(func(t *testing.T, file []byte) { readAnything(t, typeCSV, file) })
}

// FuzzReadNDJSON reads any file as NDJSON.
func FuzzReadNDJSON(f *testing.F) {
	for _, file := range []string{
		`{"member_id":"M1","amount":10,"reason":"a"}`,
		utf8BOM + "{\"member_id\":\"M1\"}\r\n\n{\"MEMBER_ID\":\"M2\",\"amount\":null}",
		`{"회원번호":"가","금액":1,"사유":"\u0000\ud83d\ude00\ud800"}`,
		`{"member_id":7,"amount":1e3}` + "\n" + `{"member_id":"M1","member_id":"M2"}` + "\n" +
			`{"member_id":"M1","amount":1,"x":[{}]}`,
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) { readAnything(t, typeNDJSON, file) })
}

// grows says how many bytes of UTF-8 one byte of an upload becomes at most: a byte that cannot be read becomes U+FFFD.
const grows = utf8.UTFMax - 1

// readAnything reads a file and asserts that line numbers rise, that a record stays within its bound, and that an
// accepted row can be stored.
func readAnything(t *testing.T, contentType string, file []byte) {
	t.Helper()
	reader, err := Open(contentType, bytes.NewReader(file), 1, anyAmount)
	if err != nil {
		return
	}
	for r, last := (Row{}), int64(0); reader.Next(&r) == nil; last = r.Line {
		require.Greater(t, r.Line, last)
		require.LessOrEqual(t, len(r.Raw), grows*maxRecord)
		require.LessOrEqual(t, len(r.Raw), grows*len(file))
		require.True(t, utf8.Valid(r.Raw))
		require.NotContains(t, string(r.Raw), "\x00")
		if r.Code != "" {
			continue
		}
		require.NoError(t, domain.CheckMemberID(string(r.Member)))
		require.Positive(t, r.Amount)
		require.NotContains(t, string(r.Reason), "\x00")
		require.LessOrEqual(t, utf8.RuneCount(r.Reason), 500)
	}
}
