package domain

import (
	"regexp"
	"strings"
)

// noted matches the name of a column with the marks that forms add: an asterisk, a colon, and a note in brackets.
var noted = regexp.MustCompile(`^[*※]* *(.+?) *(?:[(\[{<] *([^()\[\]{}<>]*?) *[)\]}>])? *[*:]*$`)

// SplitColumn returns the name of a column without the marks of a form, and the note that stands in brackets behind it:
// 회원번호 and 필수 for "*회원번호(필수)". The note is in capitals. A header without marks is returned as it is.
func SplitColumn(header string) (name, note string) {
	if !mayHaveNote(header) {
		return header, ""
	}
	parts := noted.FindStringSubmatch(fold(header))
	if parts == nil {
		return header, ""
	}
	return parts[1], parts[2]
}

// IsFormMark reports whether a note only says that a column must be filled in or need not be. Any other note may change
// what a value means, as in 금액(천원).
func IsFormMark(note string) bool {
	switch strings.ReplaceAll(note, " ", "") {
	case "", "필수", "필수값", "필수입력", "필수항목", "선택", "선택입력", "선택항목", "REQUIRED", "MANDATORY", "OPTIONAL", "必須", "必填", "任意":
		return true
	}
	return false
}

// mayHaveNote looks at bytes, since it sees the first field of each row: 0xE2 and 0xEF begin ※ and the wide signs.
func mayHaveNote(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '(', '[', '{', '<', '*', ':', 0xE2, 0xEF:
			return true
		}
	}
	return false
}
