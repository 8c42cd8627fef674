package domain

import (
	"regexp"
	"unicode"
	"unicode/utf8"
)

// MaxMemberID is the most characters of a member id.
const MaxMemberID = 50

// eNotation is what a spreadsheet makes of a long number: 8.21012E+11.
var eNotation = regexp.MustCompile(`^[0-9](\.[0-9]+)?[eE][+-][0-9]+$`)

// CheckMemberID returns nil for an id that may stand in the rows, and otherwise an [Error] with code [BadMember] or
// [MissingMember]. The caller has already trimmed it and brought it to NFC.
func CheckMemberID(id string) error {
	switch {
	case id == "":
		return &Error{Code: MissingMember, Message: "the member_id is missing", Hint: "every row needs one"}
	case !utf8.ValidString(id):
		return &Error{Code: BadMember, Message: "the member_id is not valid text", Hint: "save the file as UTF-8"}
	case utf8.RuneCountInString(id) > MaxMemberID:
		return &Error{Code: BadMember, Message: "the member_id is over 50 characters", Hint: "check the row's columns"}
	case HasControl(id):
		return &Error{Code: BadMember, Message: "the member_id has control characters", Hint: "remove them"}
	case eNotation.MatchString(id):
		return &Error{Code: BadMember, Message: "the member_id is in E-notation, as a spreadsheet writes long numbers",
			Hint: "format the column as text before saving, so that no digit is lost"}
	}
	return nil
}

// HasControl says whether s has characters that no name should have: controls (NUL among them) and the invisible marks
// that reorder text on a screen (bidi overrides, isolates).
func HasControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return true
		}
	}
	return false
}
