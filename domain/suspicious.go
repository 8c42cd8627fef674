package domain

import (
	"regexp"
	"strings"
	"unicode"
)

// SuspiciousMember returns why id, which may be a member's, is more likely a leftover of a spreadsheet or a database, for people; ""
// for what looks like an id. It may have false alarms: a warning stops nothing.
func SuspiciousMember(id string) string {
	if isCode(id) {
		return ""
	}
	plain := fold(id)
	switch w := word(plain); {
	case w == "" || strings.Trim(w, "0") == "" || plain == `\N` || emptyWords[w]:
		return "looks like an empty value"
	case sumWords[leadingWord(plain)]:
		return "looks like a sum row"
	case columnWords[w]:
		return "looks like a column's name"
	case groupedNumber.MatchString(plain):
		return "looks like a number with separators"
	}
	return ""
}

// isCode reports whether id is one run of letters and digits with a digit in it, as ids are and words are not.
func isCode(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' {
			return false
		}
	}
	return hasDigit(id)
}

// groupedNumber is a number with separators of thousands.
var groupedNumber = regexp.MustCompile(`^[0-9]{1,3}([,.' ][0-9]{3})+$`)

// word is s in small letters without all that is no letter, mark or digit: N/A, n.a. and (NA) are one word.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.M, unicode.N) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// leadingWord is the word of s before its first number, if nothing but numbers and their units follow: total for
// "Grand Total: 3 rows".
func leadingWord(s string) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	n := 0
	for n < len(parts) && !unicode.IsDigit(rune(parts[n][0])) {
		n++
	}
	for _, p := range parts[n:] {
		if !unicode.IsDigit(rune(p[0])) && !unitWords[strings.ToLower(p)] {
			return ""
		}
	}
	return strings.ToLower(strings.Join(parts[:n], ""))
}

// The words of leftovers, in the languages of the spreadsheets that lists come from.
var (
	sumWords = words(`total totals sum subtotal grandtotal sumtotal totalsum overall average avg count
		합계 총계 소계 계 총합계 총합 합 누계 부분합 총 전체 전체합계 총인원 총건수 총금액 평균 개수 건수
		summe gesamt gesamtsumme gesamtergebnis zwischensumme teilergebnis somme totale suma 合計 総計 小計 計 总计 合计 小计 總計 合計`)
	emptyWords = words(`null nil none na nan nul nix void undefined empty blank missing unset novalue nodata notavailable
		notapplicable dbnull systemdbnull 없음 해당없음 미상 미정 빈값 공란 공백 비어있음 null값 leer keine vide 空白 なし 無 无`)
	columnWords = words(`member memberno membernumber membername id userid user customerid customer no amount reason
		회원 회원id 회원아이디 회원명 고객번호 고객id 아이디 이름 성명 번호 금액 사유`)
	unitWords = words(`rows members people points won krw 명 건 원 개 인`)
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}
