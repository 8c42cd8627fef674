package app

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"bestow/domain"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
)

// utf8BOM is what some programs put before UTF-8.
const utf8BOM = "\xEF\xBB\xBF"

// text brings the records of a file to UTF-8. Whether the file is UTF-8 or CP949, as Korean Excel saves it, is decided
// once, at the first record that is not ASCII: a UTF-8 file stays one though a row of it is broken. Both encodings leave
// ASCII bytes below 0x40 alone, so a file can be split into records before it is decoded.
type text struct {
	decided bool
	cp949   *encoding.Decoder // nil: UTF-8
	out     []byte
}

// decode returns the record as UTF-8, and false if bytes of it are no text; those then stand as U+FFFD. ahead returns
// what follows in the file, and may overwrite record.
func (t *text) decode(record []byte, ahead func() []byte) ([]byte, bool) {
	if isASCII(record) {
		return record, true
	}
	if !t.decided {
		record = bytes.Clone(record)
		t.decide(record, ahead())
	}
	if t.cp949 == nil {
		return record, utf8.Valid(record)
	}
	return t.fromCP949(record)
}

func (t *text) decide(record, ahead []byte) {
	t.decided = true
	if isCP949(append(append(bytes.Clone(record), '\n'), ahead...)) {
		t.cp949 = korean.EUCKR.NewDecoder()
	}
}

func (t *text) fromCP949(record []byte) ([]byte, bool) {
	if need := utf8.UTFMax * len(record); cap(t.out) < need {
		t.out = make([]byte, need)
	}
	t.cp949.Reset()
	n, _, err := t.cp949.Transform(t.out[:cap(t.out)], record, true)
	if err != nil {
		return record, false
	}
	return t.out[:n], !bytes.ContainsRune(t.out[:n], utf8.RuneError)
}

// isCP949 says whether sample reads well as CP949 and badly as UTF-8. Korean in the one encoding is hardly ever valid in
// the other, so a few broken rows do not outweigh the rest.
func isCP949(sample []byte) bool {
	good, bad := countUTF8(sample)
	if good >= bad {
		return false
	}
	decoded, err := korean.EUCKR.NewDecoder().Bytes(sample)
	if err != nil {
		return false
	}
	good, bad = 0, 0
	for _, r := range string(decoded) {
		switch {
		case r == utf8.RuneError:
			bad++
		case r >= utf8.RuneSelf:
			good++
		}
	}
	return good > bad
}

// countUTF8 counts the characters beyond ASCII and the bytes that are none. A character that the sample's end cuts off
// counts as neither.
func countUTF8(sample []byte) (good, bad int) {
	for i := 0; i < len(sample); {
		if sample[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(sample[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			good++
		case utf8.FullRune(sample[i:]):
			bad++
		}
		i += size
	}
	return good, bad
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
		return &domain.Error{Code: domain.UnsupportedFile, Message: fmt.Sprintf("the file is %s, not a text file in UTF-8 or CP949", what), Hint: hint}
	}
	const saveAs = "in the spreadsheet, save it as \"CSV UTF-8 (comma delimited)\" and upload that"
	switch {
	case hasAnyPrefix(head, "PK\x03\x04", "PK\x05\x06", "PK\x07\x08"):
		return unsupported("a spreadsheet (xlsx) or a ZIP archive", saveAs)
	case hasAnyPrefix(head, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"):
		return unsupported("an old spreadsheet (xls)", saveAs)
	case hasAnyPrefix(head, "\x1F\x8B"):
		return unsupported("compressed with gzip", "decompress it and upload the result")
	case hasAnyPrefix(head, "\xFF\xFE", "\xFE\xFF") || bytes.IndexByte(head, 0) >= 0: // in UTF-16 every ASCII character has a NUL
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
