package memberlist

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"bestow/domain"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
)

// utf8BOM holds what some programs put before UTF-8.
const utf8BOM = "\xEF\xBB\xBF"

// text brings the records of a file to UTF-8. Whether the file is UTF-8 or CP949, as Korean Excel saves it, is decided
// once, at the first record that is not ASCII: a UTF-8 file stays one though a row of it is broken. Both encodings
// leave ASCII bytes below 0x40 alone, so a file can be split into records before it is decoded.
type text struct {
	charset charset // that the sender says
	decided bool
	cp949   *encoding.Decoder // nil: UTF-8
	guess   guess             // of a file that is read as CP949 though the sender does not say so
	out     []byte
}

// errNoText is a record that has bytes which are no text.
var errNoText = errors.New("no text")

// decode returns the record as UTF-8. Errors: errNoText, where U+FFFD stands for the bytes that are no text, and
// domain.UnsupportedFile for a file of another encoding. ahead returns what follows in the file, and may overwrite
// record.
func (t *text) decode(line int64, record []byte, ahead func() []byte) ([]byte, error) {
	if isASCII(record) {
		return record, nil
	}
	if !t.decided {
		record = bytes.Clone(record)
		if err := t.decide(line, record, ahead()); err != nil {
			return record, err
		}
	}
	if t.cp949 != nil {
		return t.fromCP949(line, record)
	}
	if !utf8.Valid(record) {
		return record, errNoText
	}
	return record, nil
}

// decide decides upon the encoding by a record that is not ASCII and what follows it. The sender's word counts, unless
// the text is certainly of the other encoding.
func (t *text) decide(line int64, record, ahead []byte) error {
	t.decided = true
	sample := append(append(bytes.Clone(record), '\n'), ahead...)
	seen := countUTF8(sample)
	if t.charset == cp949Charset {
		if seen.bad == 0 && seen.wide > 0 {
			return contradicted("CP949", "UTF-8")
		}
		t.cp949 = korean.EUCKR.NewDecoder()
		return nil
	}
	if seen.bad == 0 && seen.wide > 0 { // no syllables of CP949 look like this
		return nil
	}
	decoded, ok := readAsCP949(sample)
	if !ok {
		return nil
	}
	if namesKoreanColumn(record) {
		if t.charset == utf8Charset {
			return contradicted("UTF-8", "CP949")
		}
		t.charset, t.cp949 = cp949Charset, korean.EUCKR.NewDecoder()
		return nil
	}
	var g guess
	g.add(line, decoded)
	return t.decideBy(seen, g)
}

// namesKoreanColumn reports whether a record in CP949 is a header that says so: no text of another encoding reads like
// it.
func namesKoreanColumn(record []byte) bool {
	decoded, err := korean.EUCKR.NewDecoder().Bytes(record)
	if err != nil {
		return false
	}
	for name := range strings.FieldsFuncSeq(string(decoded),
		func(r rune) bool { return strings.ContainsRune(",;\t\"", r) }) {
		if _, known := columnNamed(strings.TrimSpace(name)); known && !isASCII([]byte(name)) {
			return true
		}
	}
	return false
}

// decideBy decides upon a text that could be CP949, of which g is a guess.
func (t *text) decideBy(seen utf8Count, g guess) error {
	cp949 := !seen.looksUTF8(&g)
	if t.charset == utf8Charset {
		const enough = 6 // letters, which one broken row hardly has
		if cp949 && g.isKorean() && g.letters >= enough && seen.bad > 0 {
			return contradicted("UTF-8", "CP949")
		}
		return nil
	}
	if !cp949 {
		return nil
	}
	t.cp949 = korean.EUCKR.NewDecoder()
	t.guess = g
	t.guess.ambiguous = seen.bad == 0
	return t.guess.refuse()
}

// looksUTF8 reports whether a sample is UTF-8, perhaps with broken rows, rather than CP949, as which g has it.
func (c utf8Count) looksUTF8(g *guess) bool {
	switch {
	case c.wide+c.narrow >= 4*c.bad: // most of it is valid, as in CP949 only short texts are
		return !g.isKorean()
	case g.isPlausible():
		return false
	}
	return c.wide >= c.bad
}

func contradicted(says, is string) error {
	return domain.UnsupportedFileError(
		"the request says that the list is "+says+", but it is "+is,
		"say charset="+strings.ToLower(is)+" in the content type (--charset "+strings.ToLower(is)+
			" at the command line), or save the list as "+says,
	)
}

// implausible reports whether the file is read as CP949 by a guess that something speaks against.
func (t *text) implausible() bool { return t.guesses() && !t.guess.isPlausible() }

// guesses reports whether the file is read as CP949 and the sender does not say that it is.
func (t *text) guesses() bool { return t.cp949 != nil && t.charset == noCharset }

// end returns domain.UnsupportedFile if the whole of the file shows that it is of another encoding.
func (t *text) end() error {
	if !t.guesses() {
		return nil
	}
	return t.guess.refuse()
}

// Notices returns what a person should know of the encoding, at the end of the file.
func (t *text) Notices() []Notice {
	if !t.guesses() {
		return nil
	}
	return t.guess.Notices()
}

// fromCP949 returns a record of CP949 as UTF-8. Error: errNoText.
func (t *text) fromCP949(line int64, record []byte) ([]byte, error) {
	if need := utf8.UTFMax * len(record); cap(t.out) < need {
		t.out = make([]byte, need)
	}
	t.cp949.Reset()
	n, _, err := t.cp949.Transform(t.out[:cap(t.out)], record, true)
	if err != nil {
		return record, errNoText
	}
	decoded := t.out[:n]
	if t.guesses() {
		t.guess.add(line, string(decoded))
	}
	if bytes.ContainsRune(decoded, utf8.RuneError) {
		return decoded, errNoText
	}
	return decoded, nil
}

// readAsCP949 returns a sample of a text that is not UTF-8 as CP949 reads it, and whether most of it is valid there.
// Korean in the one encoding is hardly ever valid in the other, so a few broken rows do not outweigh the rest.
func readAsCP949(sample []byte) (string, bool) {
	decoded, err := korean.EUCKR.NewDecoder().Bytes(sample)
	if err != nil {
		return "", false
	}
	good, bad := 0, 0
	for _, r := range string(decoded) {
		switch {
		case r == utf8.RuneError:
			bad++
		case r >= utf8.RuneSelf:
			good++
		}
	}
	return string(decoded), good > bad
}

// utf8Count holds what a sample has as UTF-8, beyond ASCII.
type utf8Count struct {
	wide   int // characters of three and four bytes, such as Korean ones
	narrow int // characters of two bytes: a syllable of CP949 may look like one
	bad    int // bytes that are no characters
}

// countUTF8 counts. A character that the sample's end cuts off counts as nothing.
func countUTF8(sample []byte) (c utf8Count) {
	for i := 0; i < len(sample); {
		if sample[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(sample[i:])
		switch {
		case r == utf8.RuneError && size == 1 && utf8.FullRune(sample[i:]):
			c.bad++
		case r == utf8.RuneError && size == 1: // cut off
		case size == 2:
			c.narrow++
		default:
			c.wide++
		}
		i += size
	}
	return c
}

// begin passes over a byte order mark, and returns domain.UnsupportedFile for a file that is no text in UTF-8 or CP949.
func (t *text) begin(records *records) error {
	const shortest = 16 // bytes of a header in UTF-16
	head := records.ahead(shortest)
	if err := refuseForeign(head[:min(shortest, len(head))]); err != nil {
		return err
	}
	if records.skip(utf8BOM) {
		t.decided = true
	}
	return nil
}

func refuseForeign(head []byte) error {
	unsupported := func(what, hint string) error {
		return domain.UnsupportedFileError(fmt.Sprintf("the file is %s, not a text file in UTF-8 or CP949", what), hint)
	}
	const saveAs = "in the spreadsheet, save it as \"CSV UTF-8 (comma delimited)\" and upload that"
	switch {
	case hasAnyPrefix(head, "PK\x03\x04", "PK\x05\x06", "PK\x07\x08"):
		return unsupported("a spreadsheet (xlsx) or a ZIP archive",
			"give a spreadsheet a name that ends in .xlsx, or over HTTP its own content type; unpack an archive")
	case hasAnyPrefix(head, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"):
		return unsupported("an old spreadsheet (xls)", saveAs)
	case hasAnyPrefix(head, "\x1F\x8B"):
		return unsupported("compressed with gzip", "decompress it and upload the result")
	// in UTF-16 every ASCII character has a NUL
	case hasAnyPrefix(head, "\xFF\xFE", "\xFE\xFF") || bytes.IndexByte(head, 0) >= 0:
		return unsupported("in UTF-16, or binary", saveAs)
	}
	return nil
}

func hasAnyPrefix(b []byte, prefixes ...string) bool {
	for _, p := range prefixes {
		if bytes.HasPrefix(b, []byte(p)) {
			return true
		}
	}
	return false
}

// name is the encoding's name for people.
func (t *text) name() string {
	if t.cp949 != nil {
		return "CP949"
	}
	return "UTF-8"
}
