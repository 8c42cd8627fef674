package http

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bestow/domain"
)

// The kinds of cursors. A cursor begins with its kind, so that one of another list is refused.
const (
	eventCursor  = "id<"
	parkedCursor = "parked<"
	resultCursor = "member>"
)

func writeCursor(kind string, lastID int64) string {
	return writeTextCursor(kind, strconv.FormatInt(lastID, 10))
}

// readCursor returns the id before which the next page begins, 0 for the first page.
func readCursor(kind, cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	digits, err := readTextCursor(kind, cursor)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || id < 1 {
		return 0, badCursor()
	}
	return id, nil
}

func writeTextCursor(kind, last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + last))
}

// readTextCursor returns the member after which the next page begins, "" for the first page.
func readTextCursor(kind, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	last, ours := strings.CutPrefix(string(text), kind)
	if err != nil || !ours || !domain.StoredMemberID(last) {
		return "", badCursor()
	}
	return last, nil
}

// pageOf returns at most limit of what was read, and the cursor of the next page. Another page exists if more than
// limit were read; if not, the cursor is nil.
func pageOf[T any](read []T, limit int, cursor func(last T) string) ([]T, *string) {
	if len(read) <= limit {
		return read, nil
	}
	next := cursor(read[limit-1])
	return read[:limit], &next
}

func badCursor() error { return badParameter("cursor", "is not a cursor that this list returned") }

// checkText refuses the text of a parameter that no column could hold.
func checkText(name, text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return badParameter(name, "has control characters")
	}
	return nil
}
