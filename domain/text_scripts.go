package domain

import "unicode"

// stackers are the marks that are visible only by their effect on the characters beside them: those with
// Indic_Syllabic_Category Invisible_Stacker or Number_Joiner in Unicode 15.0, and the joiner of Tifinagh. Package
// unicode has no table of that property. Those of later versions are refused as not defined.
var stackers = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1039, 0x1039, 1}, {0x17D2, 0x17D2, 1}, {0x1A60, 0x1A60, 1}, {0x2D7F, 0x2D7F, 1}, {0xAAF6, 0xAAF6, 1},
	},
	R32: []unicode.Range32{
		{0x10A3F, 0x10A3F, 1}, {0x1107F, 0x1107F, 1}, {0x11133, 0x11133, 1}, {0x1193E, 0x1193E, 1}, {0x11A47, 0x11A47, 1},
		{0x11A99, 0x11A99, 1}, {0x11D45, 0x11D45, 1}, {0x11D97, 0x11D97, 1}, {0x11F42, 0x11F42, 1},
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
var usualScripts = []string{"Hangul", "Latin", "Common", "Han", "Hiragana", "Katakana", "Cyrillic", "Greek",
	"Inherited", "Thai", "Arabic"}

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
