package app

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

// row is one record of a member list. Its slices hold until the next one is read.
type row struct {
	line      int64       // of the record's first line
	member    []byte      // trimmed, in NFC, checked
	amount    int64       // the event's default applied
	defaulted bool        // the amount is the event's default
	reason    []byte      // trimmed, in NFC, checked; empty for none
	raw       []byte      // the record as it came, without its line end
	code      domain.Code // "" for a row that can be a target
	why       string      // of code, for people
}

// refuse makes r a rejected row.
func (r *row) refuse(code domain.Code, why string) {
	r.code, r.why = code, why
	if bytes.IndexByte(r.raw, 0) >= 0 || !utf8.Valid(r.raw) {
		r.raw = bytes.ReplaceAll(bytes.ToValidUTF8(r.raw, []byte("\uFFFD")), []byte{0}, []byte("\uFFFD"))
	}
}

// rowReader reads a member list record by record.
type rowReader interface {
	// next reads the next record into r; io.EOF after the last. A [domain.Error] refuses the whole file.
	next(r *row) error
	// header is the file's first line, "" if the format has none.
	header() string
	// warnings says, after the last row, what a person should know of the file.
	warnings() []Warning
}

// openRows begins to read a member list in the format that contentType names. defaultAmount is for the rows without an
// amount; 0: such rows are rejected. No amount may be more than checkAmount lets pass. Errors: domain.UnsupportedFile, domain.BadFile.
func openRows(contentType string, body io.Reader, defaultAmount int64, checkAmount func(int64) string) (rowReader, error) {
	records, rules := newRecords(body), &rules{defaultAmount: defaultAmount, checkAmount: checkAmount}
	media, label := mediaType(contentType)
	charset, known := charsetNamed(label)
	switch {
	case media == "text/csv" && known:
		return openCSV(records, rules, charset)
	case media == "application/x-ndjson" && known && charset != cp949Charset:
		return openNDJSON(records, rules)
	case media == "text/csv" || media == "application/x-ndjson":
		return nil, &domain.Error{Code: domain.UnsupportedFile, Message: fmt.Sprintf("the content type says that the list is in %.50q", label),
			Hint: "send CSV in UTF-8 or CP949, and NDJSON in UTF-8"}
	}
	return nil, &domain.Error{Code: domain.UnsupportedFile, Message: fmt.Sprintf("the content type %.100q is no member list", contentType),
		Hint: "send text/csv or application/x-ndjson"}
}

// mediaType returns what a content type names, and its charset; "" if it says none.
func mediaType(contentType string) (media, charset string) {
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
	case "cp949", "ms949", "windows949", "xwindows949", "uhc", "949", "euckr", "korean", "ksc56011987", "ksc56011989", "ksc5601":
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
func (u *rules) apply(r *row, member, amount, reason []byte) {
	if err := u.setMember(r, bytes.TrimSpace(member)); err != nil {
		r.refuseFor(err)
		return
	}
	if err := u.setAmount(r, bytes.TrimSpace(amount)); err != nil {
		r.refuseFor(err)
		return
	}
	r.reason = u.normal(&u.reason, bytes.TrimSpace(reason))
	if why := domain.CheckText(string(r.reason), domain.MaxReason); why != "" {
		r.refuse(domain.BadReason, "the reason "+why)
	}
}

func (u *rules) setMember(r *row, member []byte) error {
	r.member = u.normal(&u.member, member)
	return domain.CheckMemberID(string(r.member))
}

// normal is text in NFC, in buffer where it was not.
func (u *rules) normal(buffer *[]byte, text []byte) []byte {
	if isASCII(text) || norm.NFC.IsNormal(text) {
		return text
	}
	*buffer = norm.NFC.Append((*buffer)[:0], text...)
	return *buffer
}

func (u *rules) setAmount(r *row, amount []byte) (err error) {
	if r.defaulted = len(amount) == 0 && u.defaultAmount > 0; r.defaulted {
		r.amount = u.defaultAmount
	} else if r.amount, err = domain.ParseAmount(string(amount)); err != nil {
		return err
	}
	if why := u.checkAmount(r.amount); why != "" {
		return &domain.Error{Code: domain.AmountOverLimit, Message: "the amount " + why}
	}
	return nil
}

// refuseFor makes r a rejected row for an error of a rule of the domain.
func (r *row) refuseFor(err error) {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		r.refuse(e.Code, e.Message)
		return
	}
	r.refuse(domain.BadRow, err.Error())
}

// isASCII says whether b has only ASCII characters, controls among them.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
