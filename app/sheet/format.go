package sheet

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// formatKind says how what a number shows differs from what is stored.
type formatKind int

const (
	stored  formatKind = iota // in separators, decimals and signs of currencies only
	padded                    // in zeros before it
	dressed                   // in characters between or around its digits, as in 010-1234-5678
	dated                     // it is a date or a time
	odd                       // otherwise: per cent, fractions, conditions, …
)

// format is what of a number format says which text a number is (ECMA-376 part 1, 18.8.30 and 18.8.31).
type format struct {
	kind   formatKind
	digits int    // of padded: the least number of them
	parts  []part // of dressed
	code   string // of odd
}

// part is a digit of a format, or a character that is shown as it is.
type part struct {
	digit, always bool
	literal       rune
}

const (
	maxFormats    = 65_536 // of cells: more than Excel has
	maxCodes      = 10_000 // of numbers
	maxFormatCode = 255    // characters, as in Excel
	elapsed       = "hms"  // of [h]:mm
)

// formats are the number formats that cells name by number; nil where the spreadsheet has none.
type formats struct {
	cells    []*format // many share one
	from1904 bool
}

// readFormats reads the number formats of the cells.
func (b *book) readFormats() (*formats, error) {
	f := &formats{from1904: b.from1904}
	name, err := b.partOf("styles")
	if err != nil || name == "" {
		return f, err
	}
	codes, parsed := map[string]string{}, map[string]*format{}
	err = b.walk(name, func(t *tokens, e xml.StartElement) error {
		switch t.ours(e) {
		case "numFmts":
			return t.eachOf("numFmt", func(e xml.StartElement) error {
				id, code := attribute(e, "numFmtId"), attribute(e, "formatCode")
				if len(codes) == maxCodes || utf8.RuneCountInString(code) > maxFormatCode || len(id) > maxID {
					return damaged("%s has too many number formats, or one that is too long", name)
				}
				codes[id] = code
				return t.skip()
			})
		case "cellXfs":
			return t.eachOf("xf", func(e xml.StartElement) error {
				if len(f.cells) == maxFormats {
					return damaged("%s has more than %d formats of cells", name, maxFormats)
				}
				id := attribute(e, "numFmtId")
				if len(id) > maxID {
					return damaged("%s has a number format with a long id", name)
				}
				if parsed[id] == nil {
					parsed[id] = formatOf(id, codes)
				}
				f.cells = append(f.cells, parsed[id])
				return t.skip()
			})
		}
		return t.skip()
	})
	return f, err
}

// formatOf returns the format of a number of the file's own, or of those that every program knows. The names in
// comments are those of an English Excel; others show the same kind.
func formatOf(id string, codes map[string]string) *format {
	if code, own := codes[id]; own {
		f := parseFormat(code)
		return &f
	}
	switch n, _ := strconv.Atoi(id); {
	case n <= 8, n >= 37 && n <= 44, n == 49: // General, 0, #,##0.00, currencies, accounting, text
		return &format{}
	case n >= 14 && n <= 22, n >= 27 && n <= 36, n >= 45 && n <= 47, n >= 50 && n <= 58:
		return &format{kind: dated}
	default: // per cent, 0.00E+00, fractions, Thai digits
		return &format{kind: odd, code: "number " + id}
	}
}

// parseFormat reads the section of a format that is for positive numbers.
func parseFormat(code string) format {
	p := formatParser{rest: []rune(code)}
	for len(p.rest) > 0 && p.rest[0] != ';' {
		p.read()
	}
	f := p.format()
	if f.kind == odd {
		f.code = strconv.Quote(code)
	}
	return f
}

// formatParser reads a format from left to right.
type formatParser struct {
	rest                       []rune
	parts                      []part
	date, other                bool
	separated, letters, digits bool
	zeros                      int
}

// take returns the next character, 0 at the end.
func (p *formatParser) take() (r rune) {
	if len(p.rest) > 0 {
		r, p.rest = p.rest[0], p.rest[1:]
	}
	return r
}

// until returns the characters before the next end.
func (p *formatParser) until(end rune) string {
	var b strings.Builder
	for len(p.rest) > 0 {
		r := p.take()
		if r == end {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (p *formatParser) read() {
	switch r := p.take(); {
	case r == '"':
		p.literal(p.until('"'))
	case r == '\\':
		p.literal(string(p.take()))
	case strings.ContainsRune("_*", r): // a gap as wide as the next character, or filled with it
		p.take()
	case r == '[':
		p.bracket(p.until(']'))
	case strings.ContainsRune("0#?", r):
		p.digit(r)
	case strings.ContainsRune(",.", r):
		p.separated = true
	case strings.ContainsRune("%/", r), p.exponent(r):
		p.other = true
	case r <= unicode.MaxASCII && unicode.IsLetter(r):
		p.word(r)
	case r != '@':
		p.literal(string(r))
	}
}

// digit reads a place for a digit.
func (p *formatParser) digit(r rune) {
	p.digits = true
	if r == '0' {
		p.zeros++
	}
	p.parts = append(p.parts, part{digit: true, always: r == '0'})
	p.other = p.other || r == '?' // a place that may be a blank
}

// exponent reports whether r begins one, as in 0.0E+00; an e alone is a year.
func (p *formatParser) exponent(r rune) bool {
	return (r == 'E' || r == 'e') && len(p.rest) > 0 && (p.rest[0] == '+' || p.rest[0] == '-')
}

// dateLetters are those of years, months, days, hours, minutes, seconds, eras and weekdays.
const dateLetters = "ymdhsgeba"

// word reads letters that are not quoted: the keyword General, in the place of a number, or what makes a date. What is
// neither is not known.
func (p *formatParser) word(first rune) {
	text := string(unicode.ToLower(first)) + p.letterRun(unicode.MaxASCII)
	switch {
	case text == "general":
		p.digit('0')
	case text == "g" && p.comes("/"): // as in G/표준: how some programs write it in another language
		p.take()
		p.letterRun(unicode.MaxRune)
		p.digit('0')
	case text == "am" && p.comes("/pm"), text == "a" && p.comes("/p"):
		p.rest = p.rest[len(text)+1:]
		p.date = true
	case strings.Trim(text, dateLetters) == "":
		p.date = true
	default:
		p.other = true
	}
}

// letterRun takes the letters up to last that come next, and returns them in lower case.
func (p *formatParser) letterRun(last rune) string {
	var run []rune
	for len(p.rest) > 0 && p.rest[0] <= last && unicode.IsLetter(p.rest[0]) {
		run = append(run, unicode.ToLower(p.take()))
	}
	return string(run)
}

// comes reports whether the format goes on with the text, in any letter case.
func (p *formatParser) comes(text string) bool {
	return len(p.rest) >= len(text) && strings.EqualFold(string(p.rest[:len(text)]), text)
}

// bracket reads a currency, a color, a condition, or the unit of a time that may be longer than a day.
func (p *formatParser) bracket(text string) {
	low := strings.ToLower(text)
	switch {
	case strings.HasPrefix(text, "$"):
		symbol, _, _ := strings.Cut(text[1:], "-")
		p.literal(symbol)
	case low != "" && strings.Trim(low, string(low[0])) == "" && strings.Contains(elapsed, low[:1]):
		p.date = true
	case strings.HasPrefix(text, "<"), strings.HasPrefix(text, ">"), strings.HasPrefix(text, "="),
		strings.HasPrefix(low, "dbnum"), strings.HasPrefix(low, "natnum"):
		p.other = true
	}
}

func (p *formatParser) literal(text string) {
	for _, r := range text {
		p.letters = p.letters || unicode.IsLetter(r) || unicode.IsDigit(r)
		p.parts = append(p.parts, part{literal: r})
	}
}

func (p *formatParser) format() format {
	literals := len(p.parts) > 0 && (!p.digits || len(p.parts) > p.placeholders())
	switch {
	case p.date:
		return format{kind: dated}
	case p.other, !p.digits && literals:
		return format{kind: odd}
	case p.separated && p.letters:
		return format{kind: odd}
	case p.separated, !p.digits:
		return format{}
	case literals:
		return format{kind: dressed, parts: p.parts}
	case p.zeros > 1:
		return format{kind: padded, digits: p.zeros}
	}
	return format{}
}

func (p *formatParser) placeholders() (n int) {
	for _, part := range p.parts {
		if part.digit {
			n++
		}
	}
	return n
}

// dress returns the digits as the format shows them.
func (f format) dress(digits string) string {
	var reversed []rune
	first := 0
	for first < len(f.parts) && !f.parts[first].digit {
		first++
	}
	for i := len(f.parts) - 1; i >= 0; i-- {
		p := f.parts[i]
		switch {
		case !p.digit:
			reversed = append(reversed, p.literal)
		case digits != "":
			reversed = append(reversed, rune(digits[len(digits)-1]))
			digits = digits[:len(digits)-1]
		case p.always:
			reversed = append(reversed, '0')
		}
		for ; i == first && digits != ""; digits = digits[:len(digits)-1] {
			reversed = append(reversed, rune(digits[len(digits)-1]))
		}
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return string(reversed)
}

// exactDigits is how many digits of a number a spreadsheet keeps.
const exactDigits = 15

// plainNumber returns a number without an exponent, and without the noise behind its fifteenth digit, which no program
// shows: 2.1E3 and 2100.0000000000005 are 2100. What is no number, or has more digits, stays as it is.
func plainNumber(text string) string {
	unsigned := strings.TrimPrefix(text, "-")
	if !isDecimal(unsigned) {
		return text
	}
	if digits := strings.TrimLeft(unsigned, "0"); isDigits(digits) {
		switch {
		case digits == "":
			return "0"
		case text != unsigned:
			return "-" + digits
		}
		return digits
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(n) >= 1e15 {
		return text
	}
	if n, err = strconv.ParseFloat(strconv.FormatFloat(n, 'g', exactDigits, 64), 64); err != nil {
		return text
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// isDecimal reports whether s is a number as XML Schema writes one, without a sign: 12, 1.5, .5, 1E3.
func isDecimal(s string) bool {
	number, exponent, scaled := strings.Cut(strings.ToUpper(s), "E")
	whole, fraction, _ := strings.Cut(number, ".")
	if !isDigits(whole) || !isDigits(fraction) || whole+fraction == "" {
		return false
	}
	exponent = strings.TrimLeft(exponent, "+-")
	return !scaled || exponent != "" && len(exponent) <= 3 && isDigits(exponent)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// lastDay is that of the year 9999, the last that a spreadsheet knows.
const lastDay = 2_958_465

// moment returns a number of days as the date or the time that it shows; hashes, as programs show, for what is none.
func moment(text string, from1904 bool) string {
	days, err := strconv.ParseFloat(text, 64)
	if err != nil || days < 0 || days > lastDay {
		return "########"
	}
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60: // the year 1900 has a 29 February there
		base = base.AddDate(0, 0, 1)
	}
	day := math.Floor(days)
	at := base.AddDate(0, 0, int(day)).Add(time.Duration(math.Round((days-day)*86400)) * time.Second)
	switch {
	case days < 1 && !from1904:
		return at.Format(time.TimeOnly)
	case day == days:
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}

// kindOf returns the format that a cell names, nil for one that is not there.
func (f *formats) kindOf(number string) *format {
	if number == "" || f.cells == nil {
		return &usual
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(f.cells) {
		return nil
	}
	return f.cells[n]
}

var usual format // of cells that name none
