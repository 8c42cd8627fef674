package memberlist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"bestow/domain"

	"golang.org/x/text/unicode/norm"
)

// Row is one record of a member list. Its slices hold until the next one is read.
type Row struct {
	Line      int64       // of the record's first line
	Member    []byte      // trimmed, in NFC, checked
	Amount    int64       // the event's default applied
	Defaulted bool        // the amount is the event's default
	Reason    []byte      // trimmed, in NFC, checked; empty for none
	Raw       []byte      // the record as it came, without its line end
	Code      domain.Code // "" for a row that can be a target
	Why       string      // of Code, for people
}

// refuse makes r a rejected row.
func (r *Row) refuse(code domain.Code, why string) {
	r.Code, r.Why = code, why
	if bytes.IndexByte(r.Raw, 0) >= 0 || !utf8.Valid(r.Raw) {
		r.Raw = bytes.ReplaceAll(bytes.ToValidUTF8(r.Raw, []byte("\uFFFD")), []byte{0}, []byte("\uFFFD"))
	}
}

// Reader reads a member list record by record.
type Reader interface {
	// Next reads the next record into r; io.EOF after the last. A [domain.Error] refuses the whole file.
	Next(r *Row) error
	// Header is the file's first line, "" if the format has none.
	Header() string
	// Notices says, after the last row, what a person should know of the file.
	Notices() []Notice
}

// Notice holds what was read and not refused: a person should look at it.
type Notice struct {
	Code domain.Code
	Text string // for people
	Line int64  // of the row that it is about; 0 for none
}

// Open begins to read a member list in the format that contentType names. defaultAmount is for the rows without an
// amount; 0: such rows are rejected. No amount may be more than checkAmount lets pass. Errors: domain.UnsupportedFile,
// domain.BadFile.
func Open(contentType string, body io.Reader, defaultAmount int64, checkAmount func(int64) string) (Reader, error) {
	records, rules := newRecords(body), &rules{defaultAmount: defaultAmount, checkAmount: checkAmount}
	media, label := MediaType(contentType)
	charset, known := charsetNamed(label)
	switch {
	case media == "text/csv" && known:
		return openCSV(records, rules, charset, 0)
	case media == "application/x-ndjson" && known && charset != cp949Charset:
		return openNDJSON(records, rules)
	case media == "text/csv" || media == "application/x-ndjson":
		return nil, domain.UnsupportedFileError(fmt.Sprintf("the content type says that the list is in %.50q", label),
			"send CSV in UTF-8 or CP949, and NDJSON in UTF-8")
	}
	return nil, domain.UnsupportedFileError(fmt.Sprintf("the content type %.100q is no member list", contentType),
		"send text/csv or application/x-ndjson")
}

// OpenCSV is like Open for CSV in UTF-8 whose fields are separated by delimiter.
func OpenCSV(body io.Reader, delimiter byte, defaultAmount int64, checkAmount func(int64) string) (Reader, error) {
	charset, _ := charsetNamed("utf-8")
	return openCSV(newRecords(body), &rules{defaultAmount: defaultAmount, checkAmount: checkAmount}, charset, delimiter)
}

// MediaType returns what a content type names, and its charset; "" if it says none.
func MediaType(contentType string) (media, charset string) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "", ""
	}
	return media, parameters["charset"]
}

// charset is the encoding that a sender says.
type charset int

const (
	noCharset charset = iota // nothing is said: the file shows it
	utf8Charset
	cp949Charset
)

// charsetNamed returns the encoding of a label in any of its usual spellings, and false for one that no list may have.
func charsetNamed(label string) (charset, bool) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(label)) {
	case "", "usascii", "ascii":
		return noCharset, true
	case "utf8", "utf8bom", "utf8sig":
		return utf8Charset, true
	case "cp949", "ms949", "windows949", "xwindows949", "uhc", "949", "euckr", "korean", "ksc56011987", "ksc56011989",
		"ksc5601":
		return cp949Charset, true
	}
	return noCharset, false
}

// rules turn the fields of a record into a row, the same way in every format.
type rules struct {
	defaultAmount int64
	checkAmount   func(int64) string // says why no target may have it; "" if one may
	member        []byte             // of a row, where it was not in NFC
	reason        []byte             // the same
}

// apply checks the fields of a record, the first fault counts.
func (u *rules) apply(r *Row, member, amount, reason []byte) {
	if err := u.setMember(r, domain.TrimBlanks(member)); err != nil {
		r.refuseFor(err)
		return
	}
	if err := u.setAmount(r, domain.TrimBlanks(amount)); err != nil {
		r.refuseFor(err)
		return
	}
	r.Reason = u.normal(&u.reason, domain.TrimBlanks(reason))
	if why := domain.CheckText(string(r.Reason), domain.MaxReason); why != "" {
		r.refuse(domain.BadReason, "the reason "+why)
	}
}

func (u *rules) setMember(r *Row, member []byte) error {
	r.Member = u.normal(&u.member, member)
	return domain.CheckMemberID(string(r.Member))
}

// normal is text in NFC, in buffer where it was not.
func (u *rules) normal(buffer *[]byte, text []byte) []byte {
	if isASCII(text) || norm.NFC.IsNormal(text) {
		return text
	}
	*buffer = norm.NFC.Append((*buffer)[:0], text...)
	return *buffer
}

func (u *rules) setAmount(r *Row, amount []byte) (err error) {
	if r.Defaulted = len(amount) == 0 && u.defaultAmount > 0; r.Defaulted {
		r.Amount = u.defaultAmount
	} else if r.Amount, err = domain.ParseAmount(string(amount)); err != nil {
		return err
	}
	if why := u.checkAmount(r.Amount); why != "" {
		return domain.RowError(domain.AmountOverLimit, "the amount "+why, "")
	}
	return nil
}

// refuseFor makes r a rejected row for an error of a rule of the domain.
func (r *Row) refuseFor(err error) {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		r.refuse(e.Code, e.Message)
		return
	}
	r.refuse(domain.BadRow, err.Error())
}

// isASCII reports whether b has only ASCII characters, controls among them.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
