package memberlist

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// eastern are the encodings of East Asia, in which two bytes are a character. Excel in Korea reads a CSV file in UTF-8
// without a byte order mark as the first of them, and saves what it reads.
var eastern = []encoding.Encoding{korean.EUCKR, simplifiedchinese.GBK, japanese.ShiftJIS}

// misreadInEast says what a text is that a program took for one of an encoding of East Asia, and that is Korean in
// UTF-8; "" for other texts. Such a program writes a question mark for a byte that is no character for it.
func misreadInEast(s string) string {
	if !strings.ContainsFunc(s, isRareInKorean) {
		return ""
	}
	for _, charset := range eastern {
		raw, err := charset.NewEncoder().String(strings.ReplaceAll(s, "\u0080", "?"))
		if err != nil {
			continue
		}
		switch korean, others := koreanInUTF8(raw); {
		case korean == 0 || others*2 > korean:
		case utf8.ValidString(raw) && !strings.Contains(raw, "?"):
			return fmt.Sprintf("looks like %q, read in another encoding", raw)
		default:
			return "looks like Korean in UTF-8 that was read in another encoding"
		}
	}
	return ""
}

// isRareInKorean reports whether r is a letter that Korean hardly uses: no syllable of KS X 1001. Of two syllables in
// UTF-8 that are read as CP949 at least one letter is.
func isRareInKorean(r rune) bool {
	if r < utf8.RuneSelf || !unicode.IsLetter(r) {
		return false
	}
	syllable := r - '가'
	return syllable < 0 || syllable >= syllables || !inStandard()[syllable]
}

// koreanInUTF8 counts the syllables of Korean in UTF-8, of each of which one byte may be lost, and the other bytes
// beside ASCII.
func koreanInUTF8(raw string) (korean, others int) {
	for i := 0; i < len(raw); i++ {
		switch {
		case beginsSyllable(raw[i:]):
			korean++
			i += 2
		case raw[i] >= utf8.RuneSelf:
			others++
		}
	}
	return korean, others
}

// beginsSyllable reports whether a text begins with the three bytes of a syllable, of which one may be a question mark.
func beginsSyllable(raw string) bool {
	if len(raw) < 3 || strings.Count(raw[:3], "?") > 1 {
		return false
	}
	isTail := func(b byte) bool { return b == '?' || b&0xC0 == 0x80 }
	return (raw[0] == '?' || raw[0] >= 0xEA && raw[0] <= 0xED) && isTail(raw[1]) && isTail(raw[2])
}

// escapes are characters that a program wrote for machines: %EC%B6%9C of addresses, =EC=B6=9C of mails, &#52636; of
// pages and \ucd9c of JSON.
var escapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2}){2,}|(?:=[0-9A-F]{2}){2,}|` +
	`&#(?:[0-9]{3,7}|[xX][0-9A-Fa-f]{2,6});|(?:\\u[0-9A-Fa-f]{4})+`)

// unescaped returns a text with letters for the escapes of characters beside ASCII; "" for a text that has none.
func unescaped(s string) string {
	if !strings.ContainsAny(s, `%=&\`) {
		return ""
	}
	found := false
	text := escapes.ReplaceAllStringFunc(s, func(escape string) string {
		meant := unescape(escape)
		if isASCII([]byte(meant)) || !utf8.ValidString(meant) {
			return escape
		}
		found = true
		return meant
	})
	if !found {
		return ""
	}
	return text
}

// unescape returns what one of [escapes] stands for.
func unescape(escape string) string {
	switch escape[0] {
	case '&':
		return html.UnescapeString(escape)
	case '\\':
		text, _ := strconv.Unquote(`"` + escape + `"`) // half of a pair of surrogates is no text
		return text
	}
	var raw strings.Builder
	for i := 1; i < len(escape); i += 3 {
		b, _ := strconv.ParseUint(escape[i:i+2], 16, 8) // two digits of base 16
		raw.WriteByte(byte(b))
	}
	return raw.String()
}

// hasLostWord reports whether a word of a text is question marks alone.
func hasLostWord(s string) bool {
	if !strings.Contains(s, "??") {
		return false
	}
	for word := range strings.FieldsSeq(s) {
		if len(word) > 1 && strings.Trim(word, "?") == "" {
			return true
		}
	}
	return !strings.ContainsFunc(s, unicode.IsLetter)
}
