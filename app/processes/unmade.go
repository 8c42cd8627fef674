package processes

import (
	"fmt"
	"regexp"
	"strings"

	"bestow/internal/english"
)

// unmade begins each line of the error of the job that makes event types, so that it can be read from the job's row.
const unmade = "make event type "

// aboutType finds where the error says something of a type. The code is the first group.
var aboutType = regexp.MustCompile(`(?m)^` + unmade + `([A-Z][A-Z0-9_]*): `)

// UnmadeError returns the error of the job that makes event types about the one with the code. [ReadUnmade] reads it.
func UnmadeError(code string, why error) error { return fmt.Errorf(unmade+"%s: %w", code, why) }

// Unmade holds why event types could not be made.
type Unmade struct {
	byCode map[string]string
	all    string // of an error that names no type, such as River's own time-out
}

// ReadUnmade reads the text of joined UnmadeErrors, or of any other error, which then is that of all types.
func ReadUnmade(text string) Unmade {
	found := aboutType.FindAllStringSubmatchIndex(text, -1)
	if found == nil {
		return Unmade{all: english.OneLine(text)}
	}
	u := Unmade{byCode: map[string]string{}}
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		u.byCode[text[at[2]:at[3]]] = english.OneLine(strings.TrimSpace(text[at[1]:end]))
	}
	return u
}

// Of returns why the type with the code could not be made, "" if nothing failed.
func (u Unmade) Of(code string) string {
	if u.all != "" {
		return u.all
	}
	return u.byCode[code]
}
