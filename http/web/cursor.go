package web

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bestow/domain"
	"bestow/http/api"
)

// Cursor says where the next page of a list begins. It is the kind that a cursor's text begins with, so that one of
// another list is refused.
type Cursor string

// The cursors of the lists.
const (
	EventCursor  Cursor = "id<"
	PersonCursor Cursor = "person<"
	ParkedCursor Cursor = "parked<"
	ResultCursor Cursor = "member>"
	TargetCursor Cursor = "target>"
	AuditCursor  Cursor = "audit<"
	PolicyCursor Cursor = "policy>"
	LotCursor    Cursor = "lot<"
)

// Write returns the cursor of the page that begins before the id.
func (c Cursor) Write(lastID int64) string { return c.WriteText(strconv.FormatInt(lastID, 10)) }

// Read returns the id before which the next page begins, 0 for the first page.
func (c Cursor) Read(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	digits, err := c.ReadText(cursor)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || id < 1 {
		return 0, BadCursor()
	}
	return id, nil
}

// WriteText returns the cursor of the page that begins after the member.
func (c Cursor) WriteText(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(c) + last))
}

// ReadText returns the member after which the next page begins, "" for the first page.
func (c Cursor) ReadText(cursor string) (string, error) {
	last, err := c.read(cursor)
	if err == nil && last != "" && !domain.StoredMemberID(last) {
		return "", BadCursor()
	}
	return last, err
}

// WriteSealed returns the cursor of the page that begins after a member whose id is sealed.
func (c Cursor) WriteSealed(last []byte) string { return c.WriteText(string(last)) }

// ReadSealed returns the sealed id of the member after which the next page begins, nil for the first page.
func (c Cursor) ReadSealed(cursor string) ([]byte, error) {
	last, err := c.read(cursor)
	if last == "" {
		return nil, err
	}
	return []byte(last), err
}

// read returns what a cursor of the list holds, "" for the first page.
func (c Cursor) read(cursor string) (last string, err error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	last, ours := strings.CutPrefix(string(text), string(c))
	if err != nil || !ours || last == "" {
		return "", BadCursor()
	}
	return last, nil
}

// Page returns at most limit of what was read, and the cursor of the next page. Another page exists if more than
// limit were read; if not, the cursor is nil.
func Page[T any](read []T, limit int, cursor func(last T) string) ([]T, *string) {
	if len(read) <= limit {
		return read, nil
	}
	next := cursor(read[limit-1])
	return read[:limit], &next
}

// BadCursor refuses a cursor that the list did not return.
func BadCursor() error { return badParameter("cursor", "is not a cursor that this list returned") }

// CheckText refuses the text of a parameter that no column could hold.
func CheckText(name, text string) error {
	switch {
	case !utf8.ValidString(text):
		return badParameter(name, "is not valid text: percent-encode it as UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return badParameter(name, "has control characters")
	}
	return nil
}

func badParameter(name, message string) error {
	return api.BadQueryError(domain.Field{Name: "query." + name, Message: message})
}
