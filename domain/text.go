package domain

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxReason is the most characters of a reason, a default reason and a memo.
const MaxReason = 500

// CheckName says why s cannot be a member id or a campaign id, which people compare by eye; "" if it can. The caller
// has brought s to NFC. Every character of a name is visible, and the only blank is the space. Visible characters that
// look like others are allowed: [SuspiciousMember] warns of them.
func CheckName(s string, most int) string {
	if why := checkFrame(s, most); why != "" {
		return why
	}
	if isPlain(s) {
		return ""
	}
	runes := []rune(s)
	for i, r := range runes {
		if why := unfitForName(r); why != "" {
			return fault(r, i+1, why)
		}
		if isStacker(r) && !stacks(runes, i) {
			return fault(r, i+1, notSeen)
		}
	}
	return ""
}

// CheckText says why s cannot be a text that people read, such as a reason, a default reason or a memo; "" if it can.
// The caller has brought s to NFC, and decides whether it may be empty. A text has visible characters, blanks between
// them, and emoji; it has no line breaks or other controls, and nothing that reorders or hides.
func CheckText(s string, most int) string {
	if s == "" {
		return ""
	}
	if why := checkFrame(s, most); why != "" {
		return why
	}
	if isPlain(s) {
		return ""
	}
	runes := []rune(s)
	for i, r := range runes {
		if why := unfitForText(r); why != "" && !composesEmoji(runes, i) {
			return fault(r, i+1, why)
		}
		if isStacker(r) && !stacks(runes, i) {
			return fault(r, i+1, notSeen)
		}
	}
	return ""
}

// checkFrame says what is wrong with the length, the encoding or the ends of s; "" for nothing.
func checkFrame(s string, most int) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid text"
	case len(s) > most && utf8.RuneCountInString(s) > most:
		return "is over " + strconv.Itoa(most) + " characters"
	case strings.TrimSpace(s) == "":
		return "is missing or blank"
	case strings.TrimFunc(s, isBlank) != s:
		return "begins or ends with a blank"
	}
	return ""
}

// TrimBlanks takes the blanks off the ends of a field. What separates lines beside \r and \n is no blank that a person
// types, and is refused at the ends as in the middle.
func TrimBlanks(field []byte) []byte {
	trimmed := bytes.TrimSpace(field)
	if len(trimmed) == len(field) {
		return field
	}
	return bytes.TrimFunc(field, isBlank)
}

// isBlank reports whether r is a blank of the ends of a text: next line and the separators of Unicode are none.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) && r != 0x85 && !unicode.In(r, unicode.Zl, unicode.Zp)
}

// CheckDefaultReason says why s cannot be the reason of all members of an event that have none of their own; "" if it
// can. It may hold what [CheckText] allows, but no character that stands for one that was lost.
func CheckDefaultReason(s string) string {
	if why := CheckText(s, MaxReason); why != "" {
		return why
	}
	for i, r := range []rune(s) {
		if isLost(r) {
			return fault(r, i+1, lost)
		}
	}
	return ""
}

// isLost reports whether r stands for a character that a program could not read or show.
func isLost(r rune) bool { return r == '\uFFFC' || r == '\uFFFD' }

const lost = "which stands for a character that was lost"

// isPlain reports whether s is printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func fault(r rune, at int, why string) string {
	return fmt.Sprintf("has %U as character %d, %s", r, at, why)
}

// unfitForName says why no name may hold r, "" if one may.
func unfitForName(r rune) string {
	switch {
	case unicode.Is(unicode.Zs, r) && r != ' ':
		return "a blank that looks like a space and is another character"
	case isLost(r):
		return lost
	case isJamo(r):
		return "a piece of a Korean syllable, which looks like a letter of its own"
	}
	if why := unfit(r); why != "" || !unicode.Is(unicode.Cn, r) {
		return why
	}
	return undefined
}

// unfitForText says why no text may hold r outside of an emoji, "" if one may. A character that is not defined yet may
// be an emoji of a later Unicode if it lies among emoji.
func unfitForText(r rune) string {
	if why := unfit(r); why != "" || !unicode.Is(unicode.Cn, r) || isPictograph(r) {
		return why
	}
	return undefined
}

// undefined refuses characters to which a later Unicode may give any look, and another NFC.
const undefined = "which Unicode " + unicode.Version + " does not define"

// unfit says why neither a name nor a text may hold r, "" if its class allows both.
func unfit(r rune) string {
	switch {
	case unicode.IsControl(r):
		return "a control character"
	case unicode.Is(unicode.Bidi_Control, r):
		return "which reorders the text around it"
	case unicode.In(r, unicode.Zl, unicode.Zp):
		return "a line or paragraph separator"
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return "which is no character"
	case unicode.Is(unicode.Co, r):
		return "a private character that looks different everywhere"
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point),
		looksBlank(r):
		return notSeen
	}
	return ""
}

const notSeen = "which is not seen"

// looksBlank reports whether r is a letter, mark or symbol by its class and shows nothing.
func looksBlank(r rune) bool {
	switch r {
	case '\u2800', // braille pattern blank
		'\U00013441', '\U00013442', // Egyptian hieroglyph full and half blank
		'\U00016FE4',               // Khitan small script filler
		'\U0001BC9D', '\U0001BC9E', // Duployan thick letter selector and double mark
		'\U0001D159': // musical symbol null notehead
		return true
	}
	return false
}

// The characters that emoji are composed with.
const (
	joiner      = '\u200D'
	asText      = '\uFE0E'
	asEmoji     = '\uFE0F'
	keycap      = '\u20E3'
	blackFlag   = '\U0001F3F4'
	firstTag    = '\U000E0020'
	endOfTags   = '\U000E007F'
	firstPicto  = '\U0001F000'
	lastPicto   = '\U0001FAFF'
	longestTags = 8 // of a flag of a part of a country
)

// composesEmoji reports whether the unseen character at i is part of an emoji: a joiner between two pictures, a
// selector behind one, a tag of a flag.
func composesEmoji(s []rune, i int) bool {
	if i == 0 {
		return false
	}
	before, after := s[i-1], rune(0)
	if i+1 < len(s) {
		after = s[i+1]
	}
	switch r := s[i]; {
	case r == joiner:
		return (isPicture(before) || before == asEmoji) && isPicture(after)
	case r == asEmoji || r == asText:
		return isPicture(before) || isKey(before) && after == keycap
	case r >= firstTag && r <= endOfTags:
		return inFlag(s, i)
	}
	return false
}

// isPicture reports whether r may be a picture by itself: a symbol, or one of the few pictures in other classes.
func isPicture(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sm, unicode.Sk) || isPictograph(r) || r == '‼' || r == '⁉' || r == '〰' ||
		r == 'ℹ'
}

// isPictograph reports whether r lies where Unicode keeps emoji, those of later versions too.
func isPictograph(r rune) bool { return r >= firstPicto && r <= lastPicto }

func isKey(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }

// inFlag reports whether the tag at i belongs to a flag: the black one, a few tags, and the tag that ends them.
func inFlag(s []rune, i int) bool {
	first := i - 1
	for first > 0 && s[first] >= firstTag && s[first] < endOfTags {
		first--
	}
	last := i
	for last < len(s) && s[last] >= firstTag && s[last] < endOfTags {
		last++
	}
	return s[first] == blackFlag && last < len(s) && s[last] == endOfTags && last-first > 1 && last-first <= longestTags
}

// stackers are the marks that are visible only by their effect on the characters beside them: those with
// Indic_Syllabic_Category Invisible_Stacker or Number_Joiner in Unicode 15.0, and the joiner of Tifinagh. Package
// unicode has no table of that property. Those of later versions are refused as not defined.
var stackers = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1039, 0x1039, 1}, {0x17D2, 0x17D2, 1}, {0x1A60, 0x1A60, 1}, {0x2D7F, 0x2D7F, 1}, {0xAAF6, 0xAAF6, 1},
	},
	R32: []unicode.Range32{
		{0x10A3F, 0x10A3F, 1},
		{0x1107F, 0x1107F, 1},
		{0x11133, 0x11133, 1},
		{0x1193E, 0x1193E, 1},
		{0x11A47, 0x11A47, 1},
		{0x11A99, 0x11A99, 1},
		{0x11D45, 0x11D45, 1},
		{0x11D97, 0x11D97, 1},
		{0x11F42, 0x11F42, 1},
	},
}

func isStacker(r rune) bool { return unicode.Is(stackers, r) }

// stacks reports whether the stacker at i stands between a character and a letter or number of its own script.
func stacks(s []rune, i int) bool {
	if i == 0 || i+1 == len(s) || isStacker(s[i-1]) {
		return false
	}
	script := unicode.Scripts[scriptOf(s[i])]
	return script != nil && unicode.Is(script, s[i-1]) && unicode.Is(script, s[i+1]) &&
		unicode.In(s[i+1], unicode.L, unicode.N)
}

// isJamo reports whether r is a conjoining jamo. NFC joins jamo into syllables, so one that is left is a piece of a
// syllable, or belongs to a spelling that is no longer used: UTS 39 restricts them in identifiers.
func isJamo(r rune) bool {
	return r >= 0x1100 && r <= 0x11FF || r >= 0xA960 && r <= 0xA97C || r >= 0xD7B0 && r <= 0xD7FB
}

// usualScripts are looked at first, since there are many more.
var usualScripts = []string{
	"Hangul", "Latin", "Common", "Han", "Hiragana", "Katakana", "Cyrillic", "Greek",
	"Inherited", "Thai", "Arabic",
}

// scriptOf returns the name of the script that r belongs to; "" for none.
func scriptOf(r rune) string {
	for _, name := range usualScripts {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
