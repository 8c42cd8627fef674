package domain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// lookalike says why id may be taken for another id that looks the same; "" for none. [CheckName] refuses invisible
// characters. Visible ones may be right, so lookalike only warns, by the restrictions of UTS 39: one script, or scripts
// that are written together, in characters that NFKC keeps, with ASCII punctuation.
func lookalike(id string) string {
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
