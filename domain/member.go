package domain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMemberID is the most characters of a member id.
const MaxMemberID = 50

// CheckMemberID returns nil for an id that a list may bring, and otherwise an [Error] with code [BadMember] or
// [MissingMember]. The caller has already trimmed it and brought it to NFC.
func CheckMemberID(id string) error {
	if id == "" {
		return RowError(MissingMember, "the member_id is missing", "every row needs one")
	}
	if why := CheckName(id, MaxMemberID); why != "" {
		return RowError(BadMember, "the member_id "+why,
			"write the id as the member is known, with characters that are seen")
	}
	switch {
	case isDigits(id):
		return nil
	case isNumber(id):
		return RowError(BadMember, "the member_id is a number as a spreadsheet writes it, whose digits may be lost",
			"format the column as text before saving")
	case isFormulaError(id):
		return RowError(BadMember, "the member_id is the error value of a formula",
			"correct the formula, or leave the row out")
	case IsMemberColumn(id):
		return RowError(BadMember, "the member_id is the column's name: the header stands here again",
			"leave the row out")
	}
	return nil
}

// StoredMemberID reports whether any version of the rule allows id. Rows may hold ids that a list may no longer bring.
func StoredMemberID(id string) bool {
	return id != "" && utf8.ValidString(id) && utf8.RuneCountInString(id) <= MaxMemberID && !strings.ContainsRune(id, 0)
}

// IsMemberColumn reports whether name is that of the column of member ids, in one of its spellings.
func IsMemberColumn(name string) bool {
	if hasDigit(name) {
		return false
	}
	switch word(name) {
	case "memberid", "회원번호":
		return true
	}
	return false
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// hasDigit reports whether s has a digit other than zero, as most ids and no words have.
func hasDigit(s string) bool { return strings.ContainsAny(s, "123456789") }

// fold returns s in capitals, with the wide forms of ASCII made narrow and every dash and minus made one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			r -= '！' - '!'
		case unicode.Is(unicode.Pd, r) || r == '−':
			r = '-'
		}
		return unicode.ToUpper(r)
	}, s)
}

var (
	// pointZero matches a number that a spreadsheet took for a fraction: 1001.0, in some countries 1001,0.
	pointZero = regexp.MustCompile(`^[+-]?[0-9]+[.,]0*$`)
	// eNotation matches a long number as a spreadsheet writes it: 8.21E+11, 8,21E+11, 821012E6.
	eNotation = regexp.MustCompile(`^[+-]?[0-9.,]*[0-9][.,]? ?E ?([+-] ?[0-9]+|[0-9]{1,3})$`)
	// powerOfTen matches the same as people write it: 8.21×10^11.
	powerOfTen = regexp.MustCompile(`^[+-]?[0-9.,]*[0-9] ?[×X*·] ?10 ?(\^ ?[+-]?[0-9]+|[⁺⁻]?[⁰¹²³⁴-⁹]+)$`)
)

// isNumber reports whether id is a number that a spreadsheet has rewritten.
func isNumber(id string) bool {
	if c := id[0]; c < utf8.RuneSelf && !strings.ContainsRune("+-.,0123456789", rune(c)) {
		return false
	}
	s := fold(id)
	return pointZero.MatchString(s) || eNotation.MatchString(s) || powerOfTen.MatchString(s)
}

// formulaError matches the text of a cell whose formula fails: a hash and a word with ! or ? in any language (#REF!,
// #WERT!, #¿NOMBRE?), one of the words without these signs, or LibreOffice's Err:502. A column too narrow for its
// number shows hashes alone.
var formulaError = regexp.MustCompile(`^(#[^0-9].*[!?]|#(N/?A|NV|N/D|Н/Д|GETTING_DATA|LOADING\.*)|#+|ERR: ?[0-9]{3})$`)

// isFormulaError reports whether id is the error value of a spreadsheet.
func isFormulaError(id string) bool {
	if c := id[0]; c != '#' && c|0x20 != 'e' && c < utf8.RuneSelf {
		return false
	}
	return formulaError.MatchString(fold(id))
}

const (
	maskEnds  = 2 // the characters that are shown at each end
	maskStars = 6 // the least number of stars between them
)

// MaskMember hides a member's id from those who may not see it: its first two and last two characters stay, with six
// stars or more between them. Of an id of fewer than eight characters nothing stays.
func MaskMember(id string) string {
	text := []rune(id)
	if len(text) < 2*(maskEnds+maskEnds) {
		return strings.Repeat("*", maskStars)
	}
	stars := max(maskStars, len(text)-2*maskEnds)
	return string(text[:maskEnds]) + strings.Repeat("*", stars) + string(text[len(text)-maskEnds:])
}
