package domain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SuspiciousMember tells people why id, which may be a member's, is more likely a leftover of a spreadsheet or a
// database; "" for what looks like an id. It may give false alarms, since a warning stops nothing.
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
	if why := leftover(plain); why != "" {
		return why
	}
	return Lookalike(id)
}

// leftover says which kind of spreadsheet cell an id looks like, other than a word; "" for none. plain is the folded
// id.
func leftover(plain string) string {
	switch first := plain[0]; {
	case first == '=' || first == '@' || (first == '+' || first == '-') && !telephone.MatchString(plain):
		return "looks like a formula or a number with a sign"
	case first == '\'':
		return "begins with the apostrophe by which a spreadsheet marks text"
	case strings.ContainsAny(plain, ";|\t"):
		return "holds what separates columns: it may be more than one column"
	case first > unicode.MaxASCII && !strings.ContainsAny(plain, "(%[:*"): // most names: what follows begins otherwise
		return currency(plain)
	}
	for _, cell := range cells {
		if cell.is(plain) {
			return cell.why
		}
	}
	return ""
}

// cells are the kinds of cells that a pattern recognizes.
var cells = []struct {
	is  func(string) bool
	why string
}{
	{datelike.MatchString, "looks like a date or a time, which a spreadsheet may have made of a number"},
	{timelike.MatchString, "looks like a date or a time, which a spreadsheet may have made of a number"},
	{decimal.MatchString, "looks like a number with decimals"},
	{amountLike, "looks like an amount"},
	{fortranNotation.MatchString, "looks like a number as a spreadsheet writes it"},
	{errorWord.MatchString, "looks like the error value of a formula"},
	{notedColumn, "looks like a column's name"},
}

// currency returns a reason if s, which does not begin with ASCII, looks like an amount: ₩1001.
func currency(s string) string {
	if r, _ := utf8.DecodeRuneInString(s); unicode.Is(unicode.Sc, r) && amountLike(s) {
		return "looks like an amount"
	}
	return ""
}

var (
	telephone = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`) // as E.164 writes it
	// datelike matches a date in figures, with a month's name, or in Korean; a time may follow.
	datelike = regexp.MustCompile(
		`^([0-9]{4}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{1,2}\.?|[0-9]{1,2}[/.][0-9]{1,2}[/.]([0-9]{2}|[0-9]{4})|` +
			`[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}|` +
			`[0-9]{1,4}[- ]` + monthName + `([- ][0-9]{1,4})?|` + monthName +
			`[- ][0-9]{1,4}|([0-9]{2,4}년 ?)?[0-9]{1,2}월( ?[0-9]{1,2}일)?)([ T].*[0-9:].*)?$`)
	timelike = regexp.MustCompile(`^((오전|오후|AM|PM) )?[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?(AM|PM))?$`)
	// decimal matches a number with decimals, in the way of any country, also one without the zero before them.
	decimal = regexp.MustCompile(`^([0-9]{1,3}([,.' ]?[0-9]{3})*)?[.,][0-9]+$`)
	// bracketed matches a number below zero as accountants write it.
	bracketed = regexp.MustCompile(`^\([0-9][0-9.,]*\)$`)
	// number matches a number with any separators.
	number          = regexp.MustCompile(`^[+-]?[0-9][0-9.,' ]*$`)
	fortranNotation = regexp.MustCompile(`^[0-9]+[.,][0-9]*D[+-]?[0-9]{1,3}$`)
	// errorWord matches an error value without its ! in a language that is not known here, or a cell not filled yet.
	errorWord = regexp.MustCompile(`^(#[\pL/]{2,12}|LOADING\.*…?|[+-]?INF(INITY)?)$`)
)

const monthName = `(JAN(UARY)?|FEB(RUARY)?|MAR(CH)?|APR(IL)?|MAY|JUNE?|JULY?|` +
	`AUG(UST)?|SEPT?(EMBER)?|OCT(OBER)?|NOV(EMBER)?|DEC(EMBER)?)`

// amountLike reports whether s is a number with the sign of a currency or of percent, or in brackets.
func amountLike(s string) bool {
	isSign := func(r rune) bool { return unicode.Is(unicode.Sc, r) || r == '%' || r == '‰' || r == ' ' }
	bare := strings.TrimFunc(s, isSign)
	if word, found := strings.CutSuffix(bare, "원"); found {
		bare = word
	}
	return bracketed.MatchString(s) || bare != s && number.MatchString(bare)
}

// notedColumn reports whether s is the name of a column with a note, such as 회원번호(필수) or 금액(원). A number is no note.
func notedColumn(s string) bool {
	name, note := SplitColumn(s)
	return name != s && !hasDigit(note) && (IsMemberColumn(name) || columnWords[word(name)])
}

// isCode reports whether id has only letters, digits and _, and at least one digit, as ids have and words have not.
func isCode(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' {
			return false
		}
	}
	return hasDigit(id)
}

// groupedNumber matches a number with separators of thousands.
var groupedNumber = regexp.MustCompile(`^[0-9]{1,3}([,.' ][0-9]{3})+$`)

// word returns the letters, marks and digits of s in small letters: N/A, n.a. and (NA) are one word.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.M, unicode.N) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// leadingWord returns the word of s before its first number, if only numbers and their units follow: total for "Grand
// Total: 3 rows".
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
		notapplicable true false 참 거짓 wahr falsch vrai faux verdadero falso dbnull systemdbnull
		없음 해당없음 미상 미정 빈값 공란 공백 비어있음 null값 leer keine vide 空白 なし 無 无`)
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
