package english

import "strings"

// longest is the most characters of a text that OneLine shows.
const longest = 300

// OneLine returns an error's text as one line, cut after 300 characters.
func OneLine(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > longest {
		return string(line[:longest]) + " …"
	}
	return string(line)
}
