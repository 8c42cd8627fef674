package domain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Lookalike says why id may be taken for another id that looks the same; "" for none. [CheckName] refuses invisible
// characters. Visible ones may be right: of a member's id it is a warning. It follows the restrictions of UTS 39: one
// script, or scripts that are written together, in characters that NFKC keeps, with ASCII punctuation.
func Lookalike(id string) string {
	if strings.Contains(id, "  ") {
		return "has blanks in a row, of which some may not be seen"
	}
	if !strings.ContainsFunc(id, isUnusual) {
		return ""
	}
	for _, r := range id {
		if as, found := standsFor(r); found {
			return fmt.Sprintf("has %U, which looks like %q", r, as)
		}
	}
	if strings.ContainsFunc(id, func(r rune) bool { return unicode.Is(compatibility, r) }) {
		return "has full-width or other compatibility characters, which look like others"
	}
	return mixture(id)
}

// isUnusual reports whether r is neither ASCII nor a Korean syllable, which make up most ids.
func isUnusual(r rune) bool { return r > unicode.MaxASCII && (r < 0xAC00 || r > 0xD7A3) }

// standsFor returns the ASCII character that r looks like, of punctuation.
func standsFor(r rune) (string, bool) {
	if unicode.Is(unicode.Pd, r) && r != '-' && r < 0xFE00 {
		return "-", true
	}
	as, found := punctuation[r]
	return as, found
}

// punctuation are the characters beside the dashes that programs write for those of ASCII, or that look like them, by
// the confusables of UTS 39.
var punctuation = map[rune]string{
	'\u2212': "-", '\u02D7': "-", '\u2018': "'", '\u2019': "'", '\u201A': ",", '\u201B': "'", '\u2032': "'",
	'\u02BC': "'", '\u02B9': "'",
	'\u00B4': "'", '\u02CA': "'", '\u201C': `"`, '\u201D': `"`, '\u201E': `"`, '\u2033': `"`, '\u2044': "/",
	'\u2215': "/", '\u29F8': "/",
	'\u2236': ":", '\uA789': ":", '\u02D0': ":", '\u2223': "|", '\u01C0': "|", '\u2217': "*", '\u066D': "*",
	'\u223C': "~",
	'\u02DC': "~", '\u2039': "<", '\u203A': ">", '\u00B8': ",", '\u060C': ",", '\u05C3': ":", '\u0589': ":",
	'\u2024': ".", '\u06D4': ".",
	'\u318D': "·", '\u0387': "·", '\u2022': "·", '\u2027': "·", '\u2219': "·", '\u22C5': "·", '\u30FB': "·",
	'\uFF65': "·",
}

// together are the sets of scripts that one word may be written in, by the highly restrictive level of UTS 39.
var together = [][]string{
	{"Latin", "Han", "Hangul"},
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Bopomofo"},
}

// mixture says which scripts and digits of id do not belong together, or that all its letters look like Latin ones.
func mixture(id string) string {
	scripts, like := map[string]bool{}, true
	for _, r := range id {
		if unicode.Is(unicode.Nd, r) && r > unicode.MaxASCII {
			return "has digits that are not 0 to 9"
		}
		if !unicode.IsLetter(r) {
			continue
		}
		scripts[scriptOf(r)] = true
		like = like && (lookLatin[r] || latinLike[scriptOf(r)])
	}
	delete(scripts, "Common")
	delete(scripts, "Inherited")
	names := slices.Sorted(maps.Keys(scripts))
	switch {
	case len(names) > 1 && !slices.ContainsFunc(together, func(set []string) bool { return includes(set, names) }):
		return "mixes letters of " + strings.Join(names, " and ")
	case len(names) == 1 && like:
		return "has letters of " + names[0] + " that look like Latin ones"
	}
	return ""
}

func includes(set, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(set, name) })
}

// latinLike are the scripts whose letters are mostly made like those of Latin.
var latinLike = map[string]bool{
	"Cherokee": true, "Lisu": true, "Coptic": true, "Old_Italic": true, "Carian": true,
	"Lycian": true, "Lydian": true,
}

// lookLatin are the letters of other scripts, and of phonetics, that look like a Latin one (confusables of UTS 39).
var lookLatin = runeSet("АВЕЅІЈКМНОРСТУХԚԜҮҺѴӀаеоѕіјрсухԛԝһѵӏգհոսօցքԼՍՕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυρϲϹϳͿɑɡıⅼǃ")

func runeSet(s string) map[rune]bool {
	set := map[rune]bool{}
	for _, r := range s {
		set[r] = true
	}
	return set
}

// compatibility are the characters that NFKC of Unicode 15.0 replaces, such as full-width, superscript and circled
// ones. It leaves out blanks, the Korean letters that stand alone (ㄱ), and what Thai, Lao and Tibetan are ordinarily
// written with.
var compatibility = &unicode.RangeTable{
	LatinOffset: 6,
	R16: []unicode.Range16{
		{0x00A8, 0x00A8, 1},
		{0x00AA, 0x00AA, 1},
		{0x00AF, 0x00AF, 1},
		{0x00B2, 0x00B5, 1},
		{0x00B8, 0x00BA, 1},
		{0x00BC, 0x00BE, 1},
		{0x0132, 0x0133, 1},
		{0x013F, 0x0140, 1},
		{0x0149, 0x0149, 1},
		{0x017F, 0x017F, 1},
		{0x01C4, 0x01CC, 1},
		{0x01F1, 0x01F3, 1},
		{0x02B0, 0x02B8, 1},
		{0x02D8, 0x02DD, 1},
		{0x02E0, 0x02E4, 1},
		{0x037A, 0x037A, 1},
		{0x0384, 0x0385, 1},
		{0x03D0, 0x03D6, 1},
		{0x03F0, 0x03F2, 1},
		{0x03F4, 0x03F5, 1},
		{0x03F9, 0x03F9, 1},
		{0x0587, 0x0587, 1},
		{0x0675, 0x0678, 1},
		{0x10FC, 0x10FC, 1},
		{0x1D2C, 0x1D2E, 1},
		{0x1D30, 0x1D3A, 1},
		{0x1D3C, 0x1D4D, 1},
		{0x1D4F, 0x1D6A, 1},
		{0x1D78, 0x1D78, 1},
		{0x1D9B, 0x1DBF, 1},
		{0x1E9A, 0x1E9B, 1},
		{0x1FBD, 0x1FBD, 1},
		{0x1FBF, 0x1FC1, 1},
		{0x1FCD, 0x1FCF, 1},
		{0x1FDD, 0x1FDF, 1},
		{0x1FED, 0x1FEE, 1},
		{0x1FFD, 0x1FFE, 1},
		{0x2011, 0x2011, 1},
		{0x2017, 0x2017, 1},
		{0x2024, 0x2026, 1},
		{0x2033, 0x2034, 1},
		{0x2036, 0x2037, 1},
		{0x203C, 0x203C, 1},
		{0x203E, 0x203E, 1},
		{0x2047, 0x2049, 1},
		{0x2057, 0x2057, 1},
		{0x2070, 0x209C, 1},
		{0x20A8, 0x20A8, 1},
		{0x2100, 0x2103, 1},
		{0x2105, 0x2107, 1},
		{0x2109, 0x2113, 1},
		{0x2115, 0x2116, 1},
		{0x2119, 0x211D, 1},
		{0x2120, 0x2122, 1},
		{0x2124, 0x2124, 1},
		{0x2128, 0x2128, 1},
		{0x212C, 0x212D, 1},
		{0x212F, 0x2131, 1},
		{0x2133, 0x2139, 1},
		{0x213B, 0x2140, 1},
		{0x2145, 0x2149, 1},
		{0x2150, 0x217F, 1},
		{0x2189, 0x2189, 1},
		{0x222C, 0x222D, 1},
		{0x222F, 0x2230, 1},
		{0x2460, 0x24EA, 1},
		{0x2A0C, 0x2A0C, 1},
		{0x2A74, 0x2A76, 1},
		{0x2C7C, 0x2C7D, 1},
		{0x2D6F, 0x2D6F, 1},
		{0x2E9F, 0x2E9F, 1},
		{0x2EF3, 0x2FD5, 1},
		{0x3036, 0x3036, 1},
		{0x3038, 0x303A, 1},
		{0x309B, 0x309C, 1},
		{0x309F, 0x309F, 1},
		{0x30FF, 0x30FF, 1},
		{0x3192, 0x319F, 1},
		{0x3200, 0x3247, 1},
		{0x3250, 0x327E, 1},
		{0x3280, 0x33FF, 1},
		{0xA69C, 0xA69D, 1},
		{0xA770, 0xA770, 1},
		{0xA7F2, 0xA7F4, 1},
		{0xA7F8, 0xA7F9, 1},
		{0xAB5C, 0xAB5F, 1},
		{0xAB69, 0xAB69, 1},
		{0xFB00, 0xFB17, 1},
		{0xFB20, 0xFB29, 1},
		{0xFB4F, 0xFBB1, 1},
		{0xFBD3, 0xFD3D, 1},
		{0xFD50, 0xFDC7, 1},
		{0xFDF0, 0xFDFC, 1},
		{0xFE10, 0xFE19, 1},
		{0xFE30, 0xFE44, 1},
		{0xFE47, 0xFE72, 1},
		{0xFE74, 0xFFEE, 1},
	},
	R32: []unicode.Range32{
		{0x10781, 0x107BA, 1},
		{0x1D400, 0x1D7FF, 1},
		{0x1E030, 0x1E06D, 1},
		{0x1EE00, 0x1EEBB, 1},
		{0x1F100, 0x1F10A, 1},
		{0x1F110, 0x1F12E, 1},
		{0x1F130, 0x1F14F, 1},
		{0x1F16A, 0x1F16C, 1},
		{0x1F190, 0x1F190, 1},
		{0x1F200, 0x1F251, 1},
		{0x1FBF0, 0x1FBF9, 1},
	},
}
